"""The Inside page in Streamlit's own headless runner."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.datasets import Dataset
from mlpcore.evaluation import judge
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.inspection.ablation import logits_without
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.layers import Neuron
from mlpcore.inspection.single_step import single_step
from mlpcore.inspection.workbench import untrained
from mlpcore.models import BUNDLED, TrainedModel, load
from mlpcore.runs import RunQueue
from tests.waiting import until
from ui.fields import FIELDS
from ui.inside.address import CALLS, VIEWS
from ui.inside.batches import batches
from ui.texts import texts

pytestmark = pytest.mark.usefixtures("queue")


def opened(**address: object) -> AppTest:
    page = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/inside.py")
    for name, value in address.items():
        page.query_params[name] = str(value)
    page.run()
    assert not page.exception
    return page


def again(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def click(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click()
    return again(page)


def words(page: AppTest) -> str:
    return "\n".join([element.value for kind in (page.markdown, page.caption, page.latex) for element in kind])


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def scale(page: AppTest, key: str) -> tuple[float, float]:
    """From which value to which the colors of a heatmap run."""
    [chart] = [each for each in page.get("bidi_component") if each.proto.id.endswith(f"-{key}")]
    [cells] = json.loads(json.loads(chart.proto.json)["figure"])["data"]
    return cells["zmin"], cells["zmax"]


@pytest.fixture(scope="module")
def two_hidden() -> TrainedModel:
    return load(BUNDLED["two-hidden"])


class TestForwardPass:
    def test_t6_the_layers_of_the_two_hidden_model_with_their_shapes(self) -> None:
        page = opened()
        headings = [each.value for each in page.subheader]
        assert "Hidden layer 1: 512 neurons" in headings
        assert "Hidden layer 2: 256 neurons" in headings
        assert "W `[512, 784]` · x `[784]` + b `[512]`" in words(page)

    def test_t7_logits_and_softmax_are_those_of_the_model(self, mnist: Dataset, two_hidden: TrainedModel) -> None:
        page = opened(image=8)
        passed = forward_pass(two_hidden, mnist.test.images[8])
        answer = int(passed.logits.argmax())
        assert f"answers **{answer}**" in words(page)
        (table,) = page.table
        assert [float(value.replace("−", "-")) for value in table.value["logit z"][:-1]] == pytest.approx(
            passed.logits, abs=1e-4
        )
        assert f"P_{{{answer}}}" in words(page)

    def test_t8_an_untrained_model_costs_about_ln_10_and_the_page_says_why(self, mnist: Dataset) -> None:
        page = opened(model="untrained-two-hidden")
        model = untrained(TUTORIAL_PRESETS["two-hidden"])
        mean = judge(model.logits(mnist.test.images), mnist.test.labels).loss
        assert mean == pytest.approx(math.log(10), abs=0.02)
        assert f"**{mean:.3f}**" in words(page)
        assert "**2.303**" in words(page)

    def test_a_neurons_sum_is_told_and_leads_to_its_activation(self, mnist: Dataset, two_hidden: TrainedModel) -> None:
        page = opened(image=3, layer=1, neuron=17)
        layer = forward_pass(two_hidden, mnist.test.images[3]).hidden[1]
        total, given = (f"{value[17]:.4g}".replace("-", "−") for value in (layer.sums, layer.activations))
        assert "Neuron 17 of hidden layer 2" in words(page)
        assert f"The sum is {total}. ReLU turns it into {given}" in words(page)

    def test_a_click_on_a_strong_neuron_opens_it_and_goes_into_the_address(self) -> None:
        page = opened()
        label = page.button(key="inside_open_2").label
        click(page, "inside_open_2")
        number = re.sub(r"\D", "", label)
        assert f"Neuron {number} of hidden layer 1" in words(page)
        assert page.query_params["neuron"] == number

    def test_every_layer_can_be_looked_at_the_output_included(self) -> None:
        page = opened()
        for layer, title in [(1, "hidden layer 2"), (2, "Class ")]:
            page.segmented_control(key="inside_layer").set_value(layer)
            again(page)
            assert title in words(page)

    def test_deeper_neurons_of_a_curved_network_have_no_picture_and_the_page_says_why(self) -> None:
        page = opened(model="drawing", layer=1)
        assert texts("inside")["pictures_none"].format(activation="GELU") in words(page)

    def test_neurons_switched_off_cost_accuracy(self, mnist: Dataset, two_hidden: TrainedModel) -> None:
        page = opened()
        whole = metrics(page)["On 2,000 test images"]
        click(page, "inside_off_half")
        off = [Neuron(0, index) for index in range(0, 512, 2)]
        logits = logits_without(two_hidden, mnist.test.images, off)
        right = logits.argmax(dim=1) == mnist.test.labels
        assert metrics(page)["Switched off"] == "256 of 768"
        assert metrics(page)["On 2,000 test images"] == f"{100 * right[::5].double().mean():.2f} %" != whole
        click(page, "inside_count_all")
        assert metrics(page)["On all 10,000"] == f"{100 * right.double().mean():.2f} %"
        click(page, "inside_all_on")
        assert metrics(page)["On 2,000 test images"] == whole

    def test_a_mistake_is_one(self, two_hidden: TrainedModel, mnist: Dataset) -> None:
        page = click(opened(), "inside_mistake")
        row = int(page.query_params["image"])
        assert int(two_hidden.logits(mnist.test.images[[row]]).argmax()) != mnist.test.labels[row]
        assert ":material/close:" in words(page)

    def test_ones_own_drawing_goes_through_as_well(self, mnist: Dataset) -> None:
        page = opened()
        # The canvas can be imported only where an app has been started.
        from ui.drawing_board import Drawing

        page.session_state["drawing"] = Drawing(mnist.train.images[7].clone(), ())
        again(page)
        page.selectbox(key="inside_source").set_value("last")
        again(page)
        page.selectbox(key="inside_meant").set_value(9)
        again(page)
        assert "My last drawing shows **a 9**" in words(page)
        assert "-\\ln P_{9}" in words(page)

    def test_a_half_typed_number_is_answered_with_a_sentence_and_the_image_stays(self) -> None:
        page = opened(image=5)
        page.text_input(key="inside_image_field").set_value("12000")
        again(page)
        assert "12,000 is not possible" in words(page).replace("\\", "")
        assert "Test image 5 shows" in words(page)


class TestOneTrainingStep:
    def test_t9_optimizer_and_learning_rate_are_named(self) -> None:
        assert "Adam, learning rate 0.001" in words(opened(view="step"))

    def test_t10_the_five_calls_one_by_one_each_with_its_line(self) -> None:
        page = opened(view="step")
        marked = []
        for number in range(1, 6):
            loop = next(code.value for code in page.code if code.value.startswith("for images, labels"))
            marked += [line for line in loop.splitlines() if f"# ← {number}" in line]
            if number < 5:
                click(page, "inside_call_next")
        calls = ["optimizer.zero_grad()", "model(images)", "loss_function(", "loss.backward()", "optimizer.step()"]
        assert len(marked) == 5
        assert all(call in line for call, line in zip(calls, marked, strict=True))
        assert page.button(key="inside_call_next").disabled
        click(page, "inside_call_back")
        assert page.query_params["call"] == "backward"

    def test_the_numbers_are_those_of_a_real_step(self, mnist: Dataset) -> None:
        model = untrained(TUTORIAL_PRESETS["two-hidden"])
        first, second, third = batches(mnist, 1, 3)
        step = single_step(model, second, first)
        page = opened(view="step", call="step")
        assert metrics(page)["Loss before"] == f"{step.loss:.4f}"
        assert metrics(page)["Loss after, same batch"] == f"{step.loss_after:.4f}"
        assert step.loss_after < step.loss
        click(page, "inside_next_batch")
        assert metrics(page)["Loss before"] == f"{single_step(model, third, second).loss:.4f}"

    def test_t8_the_first_loss_of_an_untrained_model_is_near_ln_10(self) -> None:
        page = opened(view="step", call="loss", step="first")
        assert float(metrics(page)["Loss of the batch"]) == pytest.approx(math.log(10), abs=0.05)

    def test_before_the_first_step_there_is_no_gradient_to_clear(self) -> None:
        page = opened(view="step", step="first")
        assert "`.grad` of every parameter is None, so there is nothing to clear" in words(page)

    def test_gradients_left_from_the_former_step_are_cleared_unless_that_is_forgotten(self) -> None:
        page = opened(view="step")
        assert "The gradients of the previous step are gone" in words(page)
        page.toggle(key="inside_forget").set_value(True)
        again(page)
        assert "gradients of the previous step are still there" in words(page)
        assert any("# optimizer.zero_grad()" in code.value for code in page.code)

    def test_accumulated_halves_equal_the_whole_but_for_batch_norm(self) -> None:
        table = opened(view="step").table[0].value
        plain, normalised = table["largest difference"]
        assert "rounding" in plain
        assert "rounding" not in normalised
        assert "batch norm" in table["model"].iloc[1]

    def test_every_optimizer_is_compared(self) -> None:
        table = opened(view="step").table[1].value
        assert set(table["optimizer"]) == set((FIELDS["optimizer"].choices or {}).values())

    @pytest.mark.parametrize("model", ["drawing", "untrained-one-hidden"])
    @pytest.mark.parametrize("call", CALLS)
    def test_every_call_of_every_model(self, model: str, call: str) -> None:
        opened(view="step", step_model=model, call=call)


class TestModes:
    def test_t12_dropout_sways_the_answers_after_train_and_not_after_eval(self) -> None:
        page = opened(view="modes")
        assert texts("inside")["modes_eval"].format(share=">99.9 %", digit=7) in words(page)
        found = re.search(r"probability of 7 ranges from ([\d.]+) % to >?([\d.]+) %", words(page))
        assert found
        assert float(found[1]) < float(found[2])

    def test_other_masks_give_other_answers(self) -> None:
        page = opened(view="modes", image=8)
        before = words(page)
        assert words(click(page, "inside_other_masks")) != before

    def test_an_untrained_model_is_said_to_have_nothing_to_show_and_a_trained_one_is_offered(self) -> None:
        page = opened(view="modes", model="untrained-two-hidden")
        assert [info.icon for info in page.info] == [":material/info:"]
        lowest, highest = scale(page, "inside_passes_eval")
        assert 5 < lowest < 10 < highest < 20
        click(page, "inside_modes_trained")
        assert not page.info
        assert page.selectbox(key="inside_model").value == "two-hidden"
        assert scale(page, "inside_passes_eval") == (0, 100)

    def test_nothing_is_kept_under_no_grad(self) -> None:
        shown = metrics(opened(view="modes"))
        assert shown["Under no_grad"] == "0 bytes"
        assert shown["Kept for backward"] == "397.3 kB"  # of 64 images: 4 × 64 × (784 + 512 + 256) bytes

    def test_t12_the_test_accuracy_of_the_tutorials_models(self, two_hidden: TrainedModel) -> None:
        shown = metrics(opened(view="modes"))["Test accuracy"]
        assert shown == f"{100 * two_hidden.test.accuracy:.2f} %"


class TestYesOrNo:
    def test_t1_one_output_beside_ten(self, mnist: Dataset) -> None:
        page = opened(view="binary", digit=7)
        assert not page.table
        click(page, "inside_ask")
        table = page.table[0].value
        one, ten, never = (float(text.removesuffix(" %")) for text in table.iloc[:, 1])
        assert never == pytest.approx(100 * (mnist.test.labels != 7).double().mean().item(), abs=0.01)
        assert min(one, ten) > never
        assert table.iloc[2, 2] == "0.00 %"
        assert "\\sigma(z)" in words(page)
        # Test image 0 is a 7.
        assert words(page).count("Answer: **yes**") == 2

    def test_a_random_image_of_the_digit_is_one(self, mnist: Dataset) -> None:
        page = click(opened(view="binary", digit=4), "inside_ask")
        click(page, "inside_binary_one")
        assert mnist.test.labels[int(page.query_params["image"])] == 4


def test_a_lessons_question_stands_at_the_top() -> None:
    page = opened(view="step", question="What does backward change?")
    assert "What does backward change?" in [each.value for each in page.text]


def test_every_view_keeps_what_it_showed_while_others_are_looked_at() -> None:
    page = opened(image=12, layer=1, neuron=40, call="loss", view="step", digit=8)
    for view in [*VIEWS, "forward"]:
        page.segmented_control(key="inside_view").set_value(view)
        again(page)
    assert "Neuron 40 of hidden layer 2" in words(page)
    assert "Test image 12 shows" in words(page)
    page.segmented_control(key="inside_view").set_value("step")
    assert page.query_params["call"] == "loss"
    assert "Loss of the batch" in metrics(again(page))


@pytest.mark.parametrize(
    "unusual",
    [
        {"hidden": ()},
        {"hidden": (5,) * 8, "dropout": 0.2, "batch_norm": True, "normalize": True, "activation": "tanh"},
        {"hidden": (1,), "optimizer": "sgd", "learning_rate": 0.1},
        {"hidden": (30, 20), "activation": "leaky_relu", "dropout": 0.5},
    ],
)
def test_finished_runs_of_any_architecture_can_be_looked_into(
    queue: RunQueue, small: Callable[..., Experiment], unusual: dict[str, Any]
) -> None:
    run = queue.submit(small(**unusual))
    until(lambda: run.status.is_final, "the run ends")
    addresses: list[dict[str, object]] = [{"view": "modes"}]
    addresses += [{"view": "step", "call": call} for call in CALLS]
    addresses += [{"view": "forward", "layer": layer} for layer in range(len(unusual["hidden"]) + 1)]
    for address in addresses:
        page = opened(model=run.id, step_model=run.id, **address)
        assert not page.warning
        assert next(iter(page.selectbox)).value == run.id
        assert any("import torch" in code.value for code in page.code)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_code_that_can_be_shown(view: str) -> None:
    page = opened(view=view)
    assert "Show the code" in [each.label for each in page.expander]
    assert any("import torch" in code.value for code in page.code)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("view", "<script>", "View"),
        ("model", "../../etc/passwd", "There is no model"),
        ("image", "10000", "Test image 10,000 is not possible"),
        ("image", "9" * 6000, "Test image"),
        ("layer", "-1", "Layer -1 is not possible"),
        ("neuron", "NaN", "Neuron 'NaN' is not possible"),
        ("digit", "11", "Digit 11 is not possible"),
        ("call", "explode", "Call 'explode' is not possible"),
        ("step", "third", "Step 'third' is not possible"),
        ("batch", "0", "Batch 0 is not possible"),
        ("forget", "1", "Forget '1' is not possible"),
    ],
)
def test_bad_values_in_the_address_are_answered_with_a_sentence(name: str, value: str, sentence: str) -> None:
    page = opened(**{name: value})
    (warning,) = page.warning
    assert sentence in warning.value.replace("\\", "")
    assert name not in page.query_params


def test_a_neuron_that_this_model_does_not_have_gives_way_to_the_strongest() -> None:
    page = opened(model="one-hidden", layer=7, neuron=4000)
    assert re.search(r"\*\*Class \d: its sum", words(page))
