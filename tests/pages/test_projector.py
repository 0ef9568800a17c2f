"""The projector in Streamlit's own headless runner; what is clicked comes from a chart of the tests' own."""

import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.identity import new_name
from mlpcore.inspection.projection import plane, stages
from mlpcore.inspection.workbench import untrained
from mlpcore.models import BUNDLED, load
from mlpcore.runs import RunQueue
from tests.points import PointChart
from tests.waiting import until
from ui import projector
from ui.session import belongings_of
from ui.texts import texts


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch) -> PointChart:
    chart = PointChart()
    monkeypatch.setattr(projector, "clickable_chart", chart)
    return chart


@pytest.fixture
def page(queue: RunQueue, chart: PointChart, one_thread: None) -> Iterator[AppTest]:
    def script() -> None:
        from ui.inside.address import take_address
        from ui.projector import show_projector

        take_address()
        show_projector()

    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["owner"] = new_name()
    page.run()
    assert not page.exception
    yield page
    assert not page.exception


def written(page: AppTest) -> str:
    """All texts, with every run of white space as one space."""
    return " ".join(" ".join(element.value for element in [*page.markdown, *page.caption, *page.info]).split())


def words(name: str) -> str:
    return " ".join(texts("projector")[name].split())


def stage_names(page: AppTest) -> list[str]:
    return list(page.segmented_control(key="projector_stage").options)


def test_it_begins_with_the_pixels_of_2000_test_digits(page: AppTest, chart: PointChart, mnist: Dataset) -> None:
    model = load(BUNDLED["two-hidden"])
    expected = plane(stages(model, mnist.test.images[::5])[0])
    assert "2,000 test images" in written(page)
    assert stage_names(page) == ["Input (784)", "Hidden 1 (512)", "Hidden 2 (256)"]
    assert np.array([chart.points[number] for number in range(2000)]) == pytest.approx(expected.points, abs=1e-3)
    assert "Input" in chart.alt


@pytest.mark.parametrize("after", [False, True])
def test_a_stage_before_and_after_training(page: AppTest, chart: PointChart, mnist: Dataset, after: bool) -> None:
    page.segmented_control(key="projector_when").set_value(after)
    page.segmented_control(key="projector_stage").set_value(2).run()
    trained = load(BUNDLED["two-hidden"])
    model = trained if after else untrained(trained.experiment)
    expected = plane(stages(model, mnist.test.images[::5])[2])
    assert np.array([chart.points[number] for number in range(2000)]) == pytest.approx(expected.points, abs=1e-3)
    assert (words("untrained") in written(page)) is not after


def test_the_table_says_that_training_pulls_the_digits_apart(page: AppTest) -> None:
    (table,) = [element.value for element in page.markdown if "| Stage |" in element.value]
    rows = [line.replace("*", "").replace("\u00a0%", "").split("|")[1:-1] for line in table.splitlines()[-3:]]
    before, after = ([float(row[column]) for row in rows] for column in (1, 2))
    assert [row[0].strip() for row in rows] == ["Input", "Hidden 1", "Hidden 2"]
    assert before[0] == after[0]
    assert after[0] < after[1] < after[2]
    assert before[2] < after[2]


def test_only_some_digits(page: AppTest, chart: PointChart, mnist: Dataset) -> None:
    page.button_group(key="projector_only").set_value([4, 9]).run()
    assert {trace["text"][0] for trace in chart.traces} == {"4", "9"}
    labels = mnist.test.labels[::5]
    assert len(chart.points) == int(((labels == 4) | (labels == 9)).sum())


def test_a_click_shows_the_image_and_it_stays_at_the_next_stage(
    page: AppTest, chart: PointChart, mnist: Dataset
) -> None:
    assert words("click") in written(page)
    chart.clicked = chart.points[1234][0]
    page.run()
    shown = f"Test image 6,170: **a {mnist.test.labels[6170]}**"
    assert shown in written(page).replace("**an ", "**a ")
    answer = int(load(BUNDLED["two-hidden"]).logits(mnist.test.images[6170:6171]).argmax())
    assert f"This model answers **{answer}**" in written(page)
    page.segmented_control(key="projector_stage").set_value(1).run()
    assert shown in written(page).replace("**an ", "**a ")


def test_a_kept_drawing_is_a_star_that_can_be_clicked(page: AppTest, chart: PointChart, mnist: Dataset) -> None:
    assert words("no_star") in written(page)
    digits = belongings_of(page.session_state["owner"]).digits
    digits.keep(mnist.train.images[0], [], 5)
    digits.keep(mnist.train.images[7], [], 3)
    page.run()
    (star,) = [trace for trace in chart.traces if trace["mode"] == "markers"]
    model = load(BUNDLED["two-hidden"])
    expected = plane(stages(model, mnist.test.images[::5])[0]).project(stages(model, mnist.train.images[7:8])[0])[0]
    assert (star["x"][0], star["y"][0]) == pytest.approx(expected, abs=1e-3)
    chart.clicked = star["x"][0]
    page.run()
    assert "Your drawing: **a 3**" in written(page)
    digits.clear()
    page.run()
    assert words("click") in written(page)


def test_a_finished_run_can_be_chosen_and_one_without_hidden_layers_has_the_input_only(
    page: AppTest, small: Callable[..., Experiment], queue: RunQueue
) -> None:
    page.segmented_control(key="projector_stage").set_value(2).run()
    run = queue.submit(small(hidden=()))
    until(lambda: run.status.is_final, "the end")
    page.run()
    page.selectbox(key="projector_model").set_value(run.id).run()
    assert stage_names(page) == ["Input (784)"]
    assert words("no_hidden") in written(page)


def test_the_code_is_of_what_is_shown(page: AppTest) -> None:
    assert "model.safetensors" in page.code[0].value
    page.segmented_control(key="projector_when").set_value(False)
    page.segmented_control(key="projector_stage").set_value(1).run()
    assert "torch.manual_seed" in page.code[0].value
    assert "model[:3]" in page.code[0].value


def test_the_drawing_is_sound_json(page: AppTest, chart: PointChart) -> None:
    assert "template" not in json.loads(chart.drawing)["layout"]
