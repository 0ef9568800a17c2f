"""Lesson links: what they fill in, lock and hide, and what hostile ones get."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore import exploration
from mlpcore.collection import Collection
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.identity import new_name
from mlpcore.inspection.layers import Neuron
from mlpcore.runs import RunQueue
from tests.handwriting import canvas_json
from ui.lessons import CONTROLS
from ui.session import belongings_of

pytestmark = pytest.mark.usefixtures("queue", "one_thread")

LONG_LINK = (
    "experiment=hidden:64,32+activation:relu+dropout:0+batch_norm:off+optimizer:momentum+learning_rate:0.05"
    "+weight_decay:0+batch_size:64+accumulate:1+epochs:5+early_stopping:0+schedule:constant+augment:none+dataset:mnist"
    "+normalize:on+train_size:all+label_noise:0+order:shuffled+validation:5000+seed:7+device:auto+threads:1"
    "&question=What+happens+to+the+validation+loss+if+you+double+the+size%3F"
    "&lock=hidden,optimizer,batch_size,epochs,activation,dropout,batch_norm,weight_decay,accumulate,early_stopping,"
    "schedule,augment,dataset,normalize,train_size,label_noise,order,validation,seed,presets,finder&hide=threads,device"
)
"""A link as it was made when it named all settings and all locked controls."""


def open_page(page: str, *, before: Callable[[AppTest], object] | None = None, **address: str | list[str]) -> AppTest:
    """A page opened with an address, in a session that `before` has filled."""
    app = AppTest.from_file("../../app.py", default_timeout=60)
    if before:
        before(app)
    return go_to(app, page, **address)


def single(address: dict[str, list[str]]) -> dict[str, Any]:
    """An address with each value by itself."""
    return {name: values[0] for name, values in address.items()}


def go_to(app: AppTest, page: str, **address: str | list[str]) -> AppTest:
    """The page by a link with this address, or, without one, in the navigation."""
    app.query_params.clear()
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py")
    return again(app)


def again(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def controls(app: AppTest) -> dict[str, Any]:
    """All that stands on the page, by its key."""
    return {str(element.key): element for element in app.main if getattr(element, "key", None)}


def link(app: AppTest) -> dict[str, list[str]]:
    """The parameters of the link that the page has made."""
    return parse_qs(urlsplit(app.code[0].value).query)


def made_on(app: AppTest, page: str) -> dict[str, str]:
    """The same on a page that unfolds the place for it."""
    app.session_state[f"{page}_lesson"] = True
    again(app)
    (made,) = [code.value for code in app.code if code.value.partition("?")[0].endswith(f"/{page}")]
    return {name: values[0] for name, values in parse_qs(urlsplit(made).query).items()}


def warnings(app: AppTest) -> str:
    return " ".join(warning.value for warning in app.warning).replace("\\", "")


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.subheader]).replace("\\", "")


def draws(digit: int) -> Callable[[AppTest], object]:
    """Fills a session whose sheet holds a drawing."""

    def fill(app: AppTest) -> None:
        app.session_state["canvas_last"] = canvas_json(digit)
        app.session_state["owner"] = new_name()

    return fill


def my_digits(app: AppTest) -> Collection:
    return belongings_of(app.session_state["owner"]).digits


class TestTrainAndCompare:
    def test_a_link_fills_the_form_with_all_of_an_experiment(self, queue: RunQueue) -> None:
        app = open_page("train", experiment="hidden:64,32 optimizer:sgd learning_rate:0.5 normalize:on seed:7 epochs:1")
        app.button(key="train").click()
        again(app)
        [run] = queue.runs()
        queue.stop(run)
        assert run.experiment == Experiment().changed(
            hidden=(64, 32), optimizer="sgd", learning_rate=0.5, normalize=True, seed=7, epochs=1
        )

    def test_the_link_made_brings_the_same_form(self) -> None:
        app = open_page("train")
        app.text_input(key="form_layer_0").set_value("77")
        app.selectbox(key="form_order").set_value("stored")
        [experiment] = link(again(app))["experiment"]
        other = open_page("train", experiment=experiment)
        assert other.text_input(key="form_layer_0").value == "77"
        assert other.selectbox(key="form_order").value == "stored"
        assert link(other)["experiment"] == [experiment]

    def test_a_lesson_asks_locks_and_hides(self) -> None:
        app = open_page(
            "train", question="What <b>now</b>?", lock="learning_rate,hidden", hide="optimizer,finder,presets"
        )
        assert app.text[0].value == "What <b>now</b>?"
        assert app.text_input(key="form_learning_rate").disabled
        assert app.text_input(key="form_layer_0").disabled
        assert app.button(key="form_add_layer").disabled
        assert not app.text_input(key="form_epochs").disabled
        assert not {"form_optimizer", "form_preset_one-hidden"} & controls(app).keys()
        assert not app.button(key="train").disabled
        app.button(key="lesson_leave").click()
        again(app)
        assert not app.text_input(key="form_learning_rate").disabled
        assert "lock" not in app.query_params

    def test_a_lesson_is_made_on_the_page(self) -> None:
        app = open_page("train")
        app.text_area(key="lesson_question_train").set_value("Why?  ")
        app.multiselect(key="lesson_lock_train").set_value(["epochs"])
        app.multiselect(key="lesson_hide_train").set_value(["threads", "device"])
        made = link(again(app))
        assert (made["question"], made["lock"], made["hide"]) == (["Why?"], ["epochs"], ["device,threads"])

    def test_everything_can_be_locked_but_a_few(self) -> None:
        app = open_page("train", experiment="hidden:64 learning_rate:0.05")
        app.radio(key="lesson_how_train").set_value("except")
        again(app)
        app.multiselect(key="lesson_free_train").set_value(["learning_rate"])
        again(app)
        made = link(app)
        assert made == {"experiment": ["hidden:64 learning_rate:0.05"], "lock": ["all,-learning_rate"]}
        assert CONTROLS["train"]["learning_rate"] not in app.multiselect(key="lesson_hide_train").options
        locked = open_page("train", **single(made))
        fields = {key: each for key, each in controls(locked).items() if key.startswith("form_") and "group" not in key}
        assert [key for key, field in fields.items() if not field.disabled] == ["form_learning_rate"]
        assert locked.text_input(key="form_learning_rate").value == "0.05"

    def test_select_all_under_hidden_leaves_what_is_locked(self) -> None:
        app = open_page("train")
        app.multiselect(key="lesson_lock_train").set_value(["epochs"])
        again(app)
        hide = app.multiselect(key="lesson_hide_train")
        assert len(hide.options) == len(CONTROLS["train"]) - 1
        assert CONTROLS["train"]["epochs"] not in hide.options
        # What is locked afterwards is no longer hidden.
        hide.set_value(["seed", "order"])
        again(app)
        app.multiselect(key="lesson_lock_train").set_value(["epochs", "seed"])
        assert link(again(app))["hide"] == ["order"]

    def test_a_link_made_before_links_were_short_still_opens(self) -> None:
        app = open_page("train", **single(parse_qs(LONG_LINK)))
        assert not app.warning
        assert app.text[0].value == "What happens to the validation loss if you double the size?"
        fields = {"layer_0": "64", "layer_1": "32", "seed": "7", "validation": "5000"}
        assert {name: app.text_input(key=f"form_{name}").value for name in fields} == fields
        assert app.selectbox(key="form_optimizer").value == "momentum"
        assert not app.text_input(key="form_learning_rate").disabled
        assert all(app.text_input(key=f"form_{key}").disabled for key in ("layer_0", "seed", "epochs", "dropout"))
        assert not {"form_threads", "form_device"} & controls(app).keys()
        assert app.query_params["lock"] == "all,-learning_rate,-device,-threads"

    def test_a_comparison_can_be_a_lesson_too(self) -> None:
        app = open_page("compare", model=["hidden:8", "hidden:16"], question="Which?", lock="hidden,epochs")
        assert app.text[0].value == "Which?"
        assert app.text_input(key="compare_hidden_0").disabled
        assert app.text_input(key="compare_all_epochs").disabled
        assert link(app)["model"] == ["hidden:8", "hidden:16"]


@pytest.mark.parametrize(
    ("page", "address", "part"),
    [
        ("train", {"lock": "everything"}, "'everything'"),
        ("train", {"hide": "hidden,__class__"}, "'__class__'"),
        ("train", {"lock": "photo"}, "not a control of the Train page. Possible names are hidden, "),
        (
            "draw",
            {"lock": "epochs"},
            "not a control of the Draw page. Possible names are tab, models, names, why, keep, photo,",
        ),
        ("data", {"hide": "forget"}, "not a control of the Data page. Possible names are view, split, digit, image,"),
        (
            "inside",
            {"lock": "drop_last"},
            "not a control of the Inside page. Possible names are view, model, image, neuron,",
        ),
        ("inside", {"lock": "[x](javascript:alert(1))"}, "'[x](javascript:alert(1))'"),
        ("data", {"lock": "x" * 5000}, f"'{'x' * 40}'"),
        (
            "data",
            {"lock": "view", "lesson": "../admin"},
            "It is for a page '../admin', and the pages are start, train, compare, ",
        ),
        ("train", {"lock": "all,-everything"}, "'everything'"),
        ("train", {"lock": "epochs,all"}, "'all'"),
        ("train", {"lock": "-epochs"}, "'-epochs'"),
        ("draw", {"question": "x" * 301}, "301 characters"),
        ("train", {"experiment": "epochs:-1"}, "Epochs -1 is not possible"),
        ("train", {"experiment": "hidden"}, "'hidden'"),
        ("train", {"experiment": "x" * 10_000}, "10,000 characters"),
        ("draw", {"models": "drawing,__class__"}, "There is no model '__class__' here"),
        ("draw", {"models": ",".join(map(str, range(500)))}, "It names 500 models, but at most 4 can answer"),
        ("draw", {"tab": "<script>"}, "Tab '<script>' is not possible: there are draw, photo, digits, watch."),
        ("draw", {"method": "guess"}, "Method 'guess' is not possible"),
        ("draw", {"why": "10"}, "Why '10' is not possible"),
        ("draw", {"models": "drawing", "why_model": "two-hidden"}, "not one of those that answer: drawing."),
        ("inside", {"off": "0x1"}, "The neurons '0x1' to switch off are not possible"),
        ("inside", {"off": "f" * 5000}, "to switch off are not possible"),
        ("inside", {"off": ".".join("1" * 9)}, "to switch off are not possible"),
        ("inside", {"only": "33"}, "Digits '33' are not possible"),
        ("inside", {"masks": "-1"}, "Masks number -1 is not possible"),
        ("data", {"top": "21"}, "Place 21 is not possible"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_hostile_link_is_refused_with_a_sentence(page: str, address: dict[str, Any], part: str) -> None:
    app = open_page(page, **address)
    assert part in warnings(app)
    assert "lesson_leave" not in controls(app)
    usual = {"train": "form_layer_0", "data": "data_image_field", "inside": "inside_image_field"}
    if page in usual:
        assert not app.text_input(key=usual[page]).disabled


Table = dict[str, dict[str, tuple[dict[str, str], list[str]]]]


def test_a_claim_can_be_a_lesson_with_a_question_alone() -> None:
    app = open_page("compare", claim="order", question="Which order is best?")
    assert app.text[0].value == "Which order is best?"
    app.text_area(key="lesson_question_claims").set_value("And why?")
    again(app)
    assert link(app) == {"claim": ["order"], "question": ["And why?"]}
    assert urlsplit(app.code[0].value).path == "/compare"


def test_a_lesson_of_the_start_page_is_made_there() -> None:
    app = open_page("start")
    app.session_state["start_lesson"] = True
    again(app)
    app.text_area(key="lesson_question_start").set_value("How far apart?")
    app.multiselect(key="lesson_hide_start").set_value(["missions"])
    again(app)
    assert link(app) == {"question": ["How far apart?"], "hide": ["missions"]}
    assert urlsplit(app.code[0].value).path == "/"


def test_without_validation_images_nothing_is_advised_that_a_lesson_has_locked() -> None:
    app = open_page("train", experiment="validation:0")
    advice = "set 5000 validation images"
    assert advice in words(app)
    go_to(app, "train", experiment="validation:0", hide="validation")
    assert advice not in words(app)


# What is locked with each control, and the address of a view that shows it.
LOCKED: Table = {
    "data": {
        "view": ({}, ["data_view"]),
        "split": ({}, ["data_split"]),
        "digit": ({}, ["data_digit"]),
        "image": (
            {},
            ["data_image_field", "data_random", "data_gallery_0", "data_gallery_5", "data_page_next", "data_split",
             "data_digit"],
        ),
        "stage": ({}, ["data_stage"]),
        "lens": ({}, ["data_lens_top", "data_lens_left"]),
        "typical": ({"view": "set"}, ["data_typical"]),
        "batch_size": ({"view": "loader"}, ["data_batch_size_field"]),
        "shuffle": ({"view": "loader"}, ["data_shuffle"]),
        "drop_last": ({"view": "loader"}, ["data_drop_last"]),
        "batch": (
            {"view": "loader", "batch": "7"},
            ["data_batch_first", "data_batch_previous", "data_batch_next", "data_batch_last"],
        ),
    },
    "inside": {
        "view": ({}, ["inside_view"]),
        "model": ({}, ["inside_model"]),
        "image": ({}, ["inside_image_field", "inside_random", "inside_mistake", "inside_unsure"]),
        "neuron": ({}, ["inside_order"]),
        "off": ({"off": "1"}, ["inside_toggle", "inside_off_strongest", "inside_off_half", "inside_all_on"]),
        "step": ({"view": "step"}, ["inside_which_step"]),
        "batch": ({"view": "step"}, ["inside_next_batch"]),
        "call": ({"view": "step", "call": "loss"}, ["inside_call", "inside_call_back", "inside_call_next"]),
        "forget": ({"view": "step"}, ["inside_forget"]),
        "dropout": ({"view": "modes"}, ["inside_dropout", "inside_other_masks"]),
        "bytes": ({"view": "modes"}, ["inside_bytes_size"]),
        "digit": ({"view": "binary"}, ["inside_digit"]),
        "projector": ({"view": "depth"}, ["projector_model", "projector_when", "projector_stage", "projector_only"]),
    },
    "draw": {
        "models": ({}, ["models_picked"]),
        "why": ({}, ["drawn_why_model", "drawn_why_digit", "drawn_why_rival", "drawn_why_method"]),
    },
}  # fmt: skip

# What is used and not set is away either way.
AWAY: Table = {
    "start": {
        "train_both": ({}, ["start_train_both"]),
        "missions": ({}, ["predict_data"]),
    },
    "inside": {
        "forgetting": ({"view": "step"}, ["inside_forgetting_code"]),
        "accumulation": ({"view": "step"}, ["inside_accumulation_code"]),
        "optimizers": ({"view": "step"}, ["inside_optimizers_code"]),
        "two_neurons": ({"view": "two_neurons"}, ["two_neurons_train"]),
    },
    "draw": {
        "names": ({}, ["models_picked", "drawn_code"]),
        "keep": ({}, ["drawn_was_digit"]),
        "tab": ({}, []),
        "photo": ({"tab": "photo"}, ["photo_paste"]),
        "my_digits": ({"tab": "digits"}, ["my_digits_export"]),
        "watch": ({"tab": "watch"}, ["watch_train"]),
    },
}


def views(table: Table) -> list[Any]:
    """The page, the address of a view, and the keys of all controls that are seen there: a page loads once for many."""
    of_view: dict[tuple[str, str], dict[str, list[str]]] = {}
    for page, of_page in table.items():
        for control, (address, keys) in of_page.items():
            of_view.setdefault((page, urlencode(address)), {})[control] = keys
    return [
        pytest.param(page, dict(parse_qs(address)), keys, id=f"{page}-{address or 'usual'}")
        for (page, address), keys in of_view.items()
    ]


@pytest.mark.parametrize("page", ["data", "inside", "draw", "start"])
def test_every_control_of_a_page_is_tried_below(page: str) -> None:
    assert CONTROLS[page].keys() == LOCKED.get(page, {}).keys() | AWAY.get(page, {}).keys()


@pytest.mark.parametrize(("page", "address", "keys_of"), views(LOCKED))
def test_a_locked_control_is_seen_and_disabled_and_a_hidden_one_is_away(
    page: str, address: dict[str, str], keys_of: dict[str, list[str]]
) -> None:
    app = open_page(page, before=draws(3), **address)
    free = controls(app)
    assert [key for keys in keys_of.values() for key in keys if free[key].disabled] == []
    for control, keys in keys_of.items():
        # What would change the image is locked with it, but not hidden.
        following = {"data_split", "data_digit"} if control == "image" else set()
        locked = controls(go_to(app, page, **address, lock=control))
        assert [key for key in keys if not locked[key].disabled] == []
        hidden = controls(go_to(app, page, **address, hide=control))
        assert [key for key in keys if key in hidden] == [key for key in keys if key in following]
        assert all(hidden[key].disabled for key in following & hidden.keys())
        app.button(key="lesson_leave").click()
        left = controls(again(app))
        assert [key for key in keys if left[key].disabled] == []


@pytest.mark.parametrize(("page", "address", "keys_of"), views(AWAY))
def test_what_is_used_and_not_set_is_away(
    page: str, address: dict[str, str], keys_of: dict[str, list[str]], mnist: Dataset
) -> None:
    def before(app: AppTest) -> None:
        draws(3)(app)
        my_digits(app).keep(mnist.test.images[0], [], 7)

    app = open_page(page, before=before, **address)
    for control, keys in keys_of.items():
        assert set(keys) <= controls(go_to(app, page, **address)).keys()
        for given in ("lock", "hide"):
            away = controls(go_to(app, page, **address, **{given: control}))
            assert not set(keys) & away.keys()
            app.button(key="lesson_leave").click()
            again(app)


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("data", {"split": "test", "digit": "7", "image": "17", "stage": "tensor", "top": "3", "left": "20"}),
        ("data", {"view": "loader", "batch_size": "32", "shuffle": "off", "drop_last": "on", "batch": "9"}),
        ("inside", {"model": "one-hidden", "image": "8", "neuron": "5", "order": "push", "off": "5"}),
        ("inside", {"view": "modes", "dropout": "0.8", "masks": "4", "bytes": "256"}),
        (
            "inside",
            {"view": "depth", "points_model": "drawing", "stage": "1", "training": "before", "only": "49"},
        ),
        ("draw", {"models": "drawing", "why": "3", "rather_than": "none", "method": "integrated_gradients"}),
        ("draw", {"models": "drawing,one-hidden", "why_model": "one-hidden", "tab": "watch"}),
        ("draw", {"models": "none"}),
    ],
)  # fmt: skip
def test_the_link_made_shows_the_same(page: str, address: dict[str, str]) -> None:
    app = open_page(page, before=draws(3), **address)
    assert not app.warning
    assert made_on(app, page) == address
    assert {name: app.query_params[name] for name in address} == address


def test_a_lesson_of_the_data_page_is_made_there() -> None:
    app = open_page("data", view="loader")
    made_on(app, "data")
    app.text_area(key="lesson_question_data").set_value("How many steps?")
    app.multiselect(key="lesson_lock_data").set_value(["batch"])
    app.multiselect(key="lesson_hide_data").set_value(["view"])
    app.text_input(key="data_batch_size_field").set_value("100")
    assert made_on(app, "data") == {
        "view": "loader", "batch_size": "100", "question": "How many steps?", "lock": "batch", "hide": "view",
    }  # fmt: skip


class TestNoOtherWayRound:
    """What is locked is not changed by anything else on the page, by former visits, other pages or links."""

    def test_a_locked_digit_holds_against_numbers_and_pictures(self, mnist: Dataset) -> None:
        app = open_page("data", digit="7", lock="digit")
        app.text_input(key="data_image_field").set_value("0")
        again(app)
        assert "Image 0 is a 5, and this lesson is about 7s only." in words(app)
        assert mnist.train.labels[app.session_state["data_image"]] == 7
        app.segmented_control(key="data_view").set_value("set")
        again(app)
        assert app.button(key="data_most_0").disabled, "typical zeros"
        app.segmented_control(key="data_typical").set_value(7)
        again(app)
        app.button(key="data_most_0").click()
        again(app)
        assert app.session_state["data_digit"] == 7
        assert mnist.train.labels[app.session_state["data_image"]] == 7

    def test_a_locked_view_holds_against_pictures_and_links(self) -> None:
        app = open_page("data", view="set", lock="view")
        assert app.button(key="data_most_0").disabled
        go_to(app, "data", view="loader", batch_size="32")
        assert app.session_state["data_view"] == "set"
        assert app.session_state["data_batch_size"] == 32, "which is not locked"

    def test_a_locked_digit_holds_against_a_link_to_another_image(self, mnist: Dataset) -> None:
        app = open_page("data", digit="7", lock="digit")
        go_to(app, "data", image="0")
        assert "Image 0 is a 5, so the next 7 is shown." in warnings(app)
        assert app.session_state["data_digit"] == 7
        assert app.session_state["data_image"] == exploration.rows_of_class(mnist.train, 7)[0]

    def test_a_locked_batch_holds_while_the_batch_size_changes(self) -> None:
        app = open_page("data", view="loader", batch="700", lock="batch")
        for size, shown in [("60000", "Batch 1 of 1"), ("50", "Batch 700 of 1,200")]:
            app.text_input(key="data_batch_size_field").set_value(size)
            again(app)
            assert shown in words(app)

    def test_a_former_visit_changes_nothing(self) -> None:
        app = open_page("data", stage="tensor", image="5")
        app.slider(key="data_lens_top").set_value(2)
        app.text_input(key="data_image_field").set_value("half typed")
        again(app)
        go_to(app, "train")
        go_to(app, "data", lock="stage,image", hide="lens")
        assert app.session_state["data_stage"] == "raw"
        assert app.text_input(key="data_image_field").value == "0"
        assert app.session_state["data_lens_top"] == 10

    def test_a_lesson_lasts_through_other_pages_and_locks_nothing_there(self) -> None:
        app = open_page("data", digit="7", question="Why 7?", lock="digit,view")
        go_to(app, "inside")
        assert "Why 7?" in [text.value for text in app.text]
        assert not app.segmented_control(key="inside_view").disabled
        assert {name: app.query_params[name] for name in ("lesson", "lock")} == {
            "lesson": "data",
            "lock": "view,digit",
        }
        there = {name: app.query_params[name] for name in ("lesson", "lock", "question")}
        reloaded = open_page("inside", **there)
        assert not reloaded.segmented_control(key="inside_view").disabled
        for session in (app, reloaded):
            go_to(session, "data")
            assert session.selectbox(key="data_digit").disabled
        assert app.selectbox(key="data_digit").value == 7

    def test_a_locked_image_holds_against_ones_own_drawings(self, mnist: Dataset) -> None:
        app = open_page("draw", before=draws(3))
        my_digits(app).keep(mnist.test.images[0], [], 7)
        go_to(app, "inside")
        app.selectbox(key="inside_source").set_value("last")
        again(app)
        go_to(app, "inside", image="12", lock="image")
        assert "Test image 12 shows" in words(app)
        assert "inside_source" not in controls(app)
        app.segmented_control(key="inside_view").set_value("binary")
        again(app)
        app.button(key="inside_ask").click()
        again(app)
        assert app.button(key="inside_binary_random").disabled
        assert app.button(key="inside_binary_one").disabled

    def test_a_locked_neuron_holds_against_clicks_and_a_model_without_it(self) -> None:
        app = open_page("inside", layer="1", neuron="40", lock="neuron")
        assert app.segmented_control(key="inside_layer_shown").disabled
        assert all(app.button(key=f"inside_open_{slot}").disabled for slot in range(8))
        app.selectbox(key="inside_model").set_value("one-hidden")
        again(app)
        assert "Class " in words(app)
        app.selectbox(key="inside_model").set_value("two-hidden")
        assert "Neuron 40 of hidden layer 2" in words(again(app))

    def test_neurons_stay_switched_off_as_the_link_says(self) -> None:
        app = open_page("inside", model="one-hidden")
        app.button(key="inside_off_half").click()
        again(app)
        go_to(app, "inside", model="one-hidden", off="6", lock="off")
        assert app.session_state["inside_off"] == {"one-hidden": {Neuron(0, 1), Neuron(0, 2)}}
        assert {metric.label: metric.value for metric in app.metric}["Switched off"] == "2 of 256"

    def test_neurons_that_the_model_does_not_have_cannot_be_off(self) -> None:
        app = open_page("inside", model="one-hidden", off=f"1{'0' * 100}.ff")
        assert {metric.label: metric.value for metric in app.metric}["Switched off"] == "0 of 256"

    def test_locked_models_hold_against_a_newly_taught_copy(self) -> None:
        app = open_page("draw", models="drawing", lock="models")
        app.session_state["models_next"] = "one-hidden"
        again(app)
        assert app.multiselect(key="models_picked").value == ["drawing"]
        go_to(app, "draw", models="two-hidden")
        assert app.multiselect(key="models_picked").value == ["drawing"]

    def test_former_questions_why_do_not_stay(self) -> None:
        app = open_page("draw", before=draws(3), why="8", method="integrated_gradients")
        go_to(app, "draw", lock="why")
        assert app.selectbox(key="drawn_why_digit").value == "its answer"
        assert app.session_state["photo_why_method"] == "occlusion"


class TestTabsAndNames:
    def test_the_tab_that_is_open_can_be_the_only_one(self) -> None:
        app = open_page("draw", tab="watch", lock="tab")
        assert [tab.label for tab in app.tabs] == [":material/timeline: When did it learn it?"]
        go_to(app, "train")
        go_to(app, "draw")
        assert [tab.label for tab in app.tabs] == [":material/timeline: When did it learn it?"]

    def test_some_tabs_can_be_left_out_and_then_none_of_them_is_open(self) -> None:
        app = open_page("draw", before=draws(1), tab="photo", hide="photo", lock="watch")
        assert [tab.label.split(": ")[1] for tab in app.tabs] == ["Draw", "My digits"]
        assert "| :-- | :-- | :-- |" in words(app), "a table of what the models answer"

    def test_models_without_names_give_nothing_away(self) -> None:
        app = open_page("draw", before=draws(4), hide="names")
        assert all(f"| Model {number} |" in words(app) for number in (1, 2, 3))
        assert app.selectbox(key="drawn_why_model").options == ["Model 1", "Model 2", "Model 3"]
        assert app.query_params["lock"] == "models"
        for name in ("hidden layer", "Best for"):
            assert name not in words(app)
