"""The two-neuron window in Streamlit's own headless runner; what is clicked comes from a chart of the tests' own."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.identity import new_name
from mlpcore.runs import Run, RunQueue, Status
from mlpcore.two_neurons import PlaneWatch, newest, shown_images, submit, watch_of
from tests.points import PointChart
from tests.waiting import until
from ui import two_neurons
from ui.texts import texts

MakeExperiment = Callable[[int], Experiment]


@pytest.fixture
def chart(monkeypatch: pytest.MonkeyPatch) -> PointChart:
    chart = PointChart()
    monkeypatch.setattr(two_neurons, "clickable_chart", chart)
    return chart


@pytest.fixture
def quick(small: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch) -> MakeExperiment:
    """The page's model on fewer images, and in fewer steps."""

    def make(seed: int) -> Experiment:
        return small(hidden=(32, 2), activation="tanh", batch_norm=True, epochs=10, seed=seed)

    monkeypatch.setattr(two_neurons, "experiment", make)
    two_neurons._untrained.cache_clear()
    return make


@pytest.fixture
def page(queue: RunQueue, chart: PointChart, quick: MakeExperiment, one_thread: None) -> Iterator[AppTest]:
    def script() -> None:
        from ui.two_neurons import show_two_neurons

        show_two_neurons()

    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["owner"] = new_name()
    page.run()
    assert not page.exception
    yield page
    assert not page.exception
    two_neurons._untrained.cache_clear()


def written(page: AppTest) -> str:
    return " ".join(" ".join(element.value for element in [*page.markdown, *page.caption]).split())


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def rests_at(run: Run, step: int) -> bool:
    return run.step == step and run.status is Status.PAUSED


def started(page: AppTest, queue: RunQueue) -> Run:
    run = newest(queue, page.session_state["owner"])
    assert run
    return run


def finish(page: AppTest, queue: RunQueue) -> Run:
    page.button(key="two_neurons_train").click().run()
    run = started(page, queue)
    until(lambda: run.status.is_final, "the end")
    page.run()
    return run


def test_it_begins_with_the_untrained_model(page: AppTest, chart: PointChart, queue: RunQueue) -> None:
    assert "784-32-2-10" in written(page)
    assert figures(page)["Step"] == "0"
    assert sorted(chart.points) == list(range(1000))
    assert not page.select_slider
    assert newest(queue, page.session_state["owner"]) is None


def test_training_moves_the_digits_and_afterwards_every_moment_can_be_seen(
    page: AppTest, chart: PointChart, queue: RunQueue, quick: MakeExperiment
) -> None:
    untrained = chart.points
    run = finish(page, queue)
    watch = watch_of(run)
    assert watch
    assert run.experiment == quick(0)
    assert figures(page)["Step"] == str(run.experiment.total_steps)
    assert chart.points != untrained
    *_, last = watch.looks
    assert np.array([chart.points[number] for number in range(1000)]) == pytest.approx(last.points, abs=1e-4)
    assert figures(page)["Recognized"] == f"{100 * last.accuracy:.1f} %"
    assert run.result
    assert f"**{100 * run.result.test.accuracy:.2f} %**" in written(page)

    slider = page.select_slider(key=f"two_neurons_stage_{run.id}")
    assert list(slider.options) == [f"{look.step:,}" for look in watch.looks]
    slider.set_value(0).run()
    assert figures(page)["Step"] == "0"
    assert chart.points == untrained


def test_every_place_has_the_colour_of_the_answer_there(page: AppTest, chart: PointChart, queue: RunQueue) -> None:
    run = finish(page, queue)
    model = run.model
    assert model
    regions = chart.traces[0]["z"]
    side = len(regions)
    low, high = two_neurons._LIMITS
    for row, column in ((0, 0), (3, side - 1), (side // 2, side // 3), (side - 1, 7)):
        place = torch.tensor([column, row]) / (side - 1) * (high - low) + low
        with torch.no_grad():
            assert regions[row][column] == int(model.linear_layers[-1](place).argmax())


def test_a_click_shows_the_image_and_what_the_model_answers_at_that_moment(
    page: AppTest, chart: PointChart, queue: RunQueue, mnist: Dataset
) -> None:
    assert " ".join(texts("two_neurons")["click"].split()) in written(page)
    run = finish(page, queue)
    chart.clicked = chart.points[321][0]
    page.run()
    label = int(mnist.test.labels[3210])
    assert f"Test image 3,210: **{'an' if label == 8 else 'a'} {label}**" in written(page)
    watch = watch_of(run)
    assert watch
    for step in (watch.looks[0], watch.looks[-1]):
        page.select_slider(key=f"two_neurons_stage_{run.id}").set_value(step.step).run()
        assert f"answers **{step.answers(step.points[321])}**" in written(page)


def test_step_by_step_it_waits_and_goes_on_as_it_is_told(page: AppTest, queue: RunQueue) -> None:
    page.button(key="two_neurons_step_by_step").click().run()
    run = started(page, queue)
    assert run.status is Status.PAUSED
    assert page.button(key="two_neurons_train").disabled
    for key, steps in (("run_1_step", 1), ("run_10_steps", 11)):
        page.button(key=key).click().run()
        until(partial(rests_at, run, steps), "the pause")
        page.run()
        assert figures(page)["Step"] == str(steps)
    page.button(key="run_stop").click().run()
    until(lambda: run.status.is_final, "the end")
    page.run()
    assert not page.button(key="two_neurons_train").disabled
    assert page.select_slider


def test_another_start_is_another_seed(page: AppTest, queue: RunQueue) -> None:
    assert [finish(page, queue).experiment.seed for _ in range(2)] == [0, 1]


def test_a_run_that_never_began_leaves_the_untrained_model(page: AppTest, queue: RunQueue) -> None:
    page.button(key="two_neurons_step_by_step").click().run()
    page.button(key="run_stop").click().run()
    page.run()
    assert figures(page)["Step"] == "0"
    assert not page.button(key="two_neurons_train").disabled


def test_others_runs_are_not_shown(page: AppTest, queue: RunQueue, quick: MakeExperiment, mnist: Dataset) -> None:
    submit(queue, PlaneWatch(quick(5), shown_images(mnist)), "somebody else", paused=True)
    page.run()
    assert not [button for button in page.button if button.key == "run_pause"]


def test_the_train_page_shows_ones_own_runs_and_not_the_demonstration(page: AppTest, queue: RunQueue) -> None:
    finish(page, queue)
    train = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    train.session_state["owner"] = page.session_state["owner"]
    train.run()
    assert not train.exception
    assert "run" not in train.query_params
    assert not [button for button in train.button if str(button.key).startswith("show_")], "nor does the list of runs"


def test_the_code_trains_this_model(page: AppTest) -> None:
    assert "nn.Linear(32, 2)" in page.code[0].value
