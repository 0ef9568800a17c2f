"""The Start page: both models in one click, and missions that tell what came out for the reader."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.claims import CLAIMS, Finding
from mlpcore.comparison.job import Job, Jobs
from mlpcore.comparison.plan import Plan
from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.identity import new_name
from mlpcore.runs import RunQueue
from tests.waiting import until
from ui.claims import Asked
from ui.missions import _steps_to_half, missions

QUICK = {"train_size": 3000, "validation": 100, "epochs": 1}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """Jobs of the test's own in place of the process's."""
    jobs = Jobs()
    for module in ["mlpcore.comparison.job", "ui.comparison_list"]:
        monkeypatch.setattr(f"{module}.jobs", jobs)
    yield jobs
    jobs.close()


@pytest.fixture
def app(queue: RunQueue, jobs: Jobs) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60)
    app.session_state["owner"] = new_name()
    app.run()
    assert not app.exception
    return app


def told(app: AppTest) -> str:
    elements = [*app.markdown, *app.info, *app.success, *app.caption]
    return " ".join(str(element.value) for element in elements).replace("\\", "")


def predict(app: AppTest, mission: str, answer: int) -> AppTest:
    app.radio(key=f"predict_{mission}").set_value(answer).run()
    assert not app.exception
    return app


def test_the_missions_cover_the_whole_tutorial() -> None:
    covered = {chapter for mission in missions() for chapter in mission.texts.covers}
    assert covered == {f"T{number}" for number in range(1, 16)}
    for mission in missions():
        assert len(mission.texts.answers) >= 3
        assert mission.texts.question.endswith("?")


def test_one_click_trains_both_of_the_tutorials_models(app: AppTest, queue: RunQueue) -> None:
    app.button(key="start_train_both").click().run()
    assert {run.experiment for run in queue.runs()} == set(TUTORIAL_PRESETS.values())
    assert app.button(key="start_train_both").disabled
    for run in queue.runs():
        assert run.owner == app.session_state["owner"]
        queue.stop(run)


def test_a_mission_asks_first_and_tells_only_what_came_out(app: AppTest) -> None:
    assert "Go to" not in told(app)
    predict(app, "data", 0)
    app.text_input(key="read_data").set_value("nine").run()
    assert "'nine' is not possible here: it is a whole number from 1 to 10." in told(app)
    app.text_input(key="read_data").set_value("11").run()
    assert "'11' is not possible" in told(app)
    app.text_input(key="read_data").set_value("9").run()
    assert "It came out otherwise: Almost always all ten" in told(app)
    assert "You counted 9. Over all 938 batches" in told(app)
    assert "predict_data" not in [radio.key for radio in app.radio]
    app.button(key="again_data").click().run()
    assert app.radio(key="predict_data").value is None
    assert "You counted 9" not in told(app)


def test_the_fresh_networks_loss_is_near_ln_10(app: AppTest) -> None:
    predict(app, "forward", 1)
    app.text_input(key="read_forward").set_value("2,31").run()
    assert "As you predicted: About 2.3" in told(app)
    assert "ln 10 = 2.303" in told(app)


def test_a_run_of_ones_own_is_told_with_its_numbers(
    app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(app, "train", 2)
    assert "What came out for you appears here" in told(app)
    monkeypatch.setattr("ui.missions._ONE", TUTORIAL_PRESETS["one-hidden"].changed(**QUICK))
    mine = app.session_state["owner"]
    for fields, whose in [({}, "somebody else"), ({"learning_rate": 0.1}, mine)]:
        other = queue.submit(TUTORIAL_PRESETS["one-hidden"].changed(**QUICK, **fields), whose)
        until(lambda: other.status.is_final, "it ends")  # noqa: B023
    app.run()
    assert "What came out for you appears here" in told(app)
    run = queue.submit(TUTORIAL_PRESETS["one-hidden"].changed(**QUICK, seed=3), mine)
    until(lambda: run.status.is_final, "it ends")
    app.run()
    assert run.result
    assert f"recognises {100 * run.result.test.accuracy:.2f} %" in told(app)


def test_a_comparison_of_ones_own_is_told_with_its_verdict(
    app: AppTest, jobs: Jobs, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tuple(TUTORIAL_PRESETS[name].changed(**QUICK) for name in ("one-hidden", "two-hidden"))
    monkeypatch.setattr("ui.missions._ONE", pair[0])
    monkeypatch.setattr("ui.missions._TWO", pair[1])

    def compared(plan: Plan) -> None:
        job = Job(plan, lambda job: job.train(plan.runs), app.session_state["owner"])
        jobs.add(job)
        job.join()

    # Neither with fewer seeds nor beside a third model is it what the mission asks for.
    compared(Plan(pair, (0, 1)))
    compared(Plan((*pair, pair[0].changed(learning_rate=0.1)), (0, 1, 2, 3, 4)))
    predict(app, "compare", 0)
    assert "What came out for you appears here" in told(app)
    compared(Plan(pair, (0, 1, 2, 3, 4)))
    app.run()
    assert "These architectures:" in told(app)
    assert "In short:" in told(app)


def test_a_claim_of_ones_own_is_told_with_its_first_sentences(app: AppTest, jobs: Jobs) -> None:
    predict(app, "overfitting", 1)
    finding = Finding(1, ("First it rose.", "Then it fell.", "And more."), ())
    job = Job(Asked(CLAIMS["overfitting"], 1), lambda job: finding, app.session_state["owner"])
    jobs.add(job)
    job.join()
    app.run()
    assert "As you predicted: First better, then worse" in told(app)
    assert "First it rose.\n\nThen it fell." in told(app)


@pytest.mark.parametrize(
    "cookie", ["data-2-9_0000.forward-1", "data-9.nonsense-1.train-0-1", "<script>", "data-1" * 999]
)
def test_whatever_the_cookie_says_the_page_stands(
    queue: RunQueue, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, cookie: str
) -> None:
    monkeypatch.setattr("ui.missions._cookie", lambda: cookie)
    app = AppTest.from_file("../../app.py", default_timeout=60).run()
    assert not app.exception
    if cookie.startswith("data-2"):
        assert "As you predicted: Almost always all ten" in told(app)
        assert "You predicted: **About 2.3**" in told(app)


def test_the_overfitting_missions_answers_are_those_of_the_claim(mnist: Dataset) -> None:
    mission = next(mission for mission in missions() if mission.name == "overfitting")
    claim = CLAIMS["overfitting"]
    assert len(mission.texts.answers) == len(claim.answers)
    for ours, theirs in zip(mission.texts.answers, claim.answers, strict=True):
        assert ("fall" in theirs) == ("worse" in ours)


def links(app: AppTest) -> dict[str, dict[str, list[str]]]:
    """The addresses that the page's links to other pages carry, by what they say."""
    return {link.proto.label: parse_qs(link.proto.query_string) for link in app.main.get("page_link")}


@pytest.mark.parametrize(
    ("losses", "steps"),
    [
        (9 * [1.0], None),
        (20 * [1.0], None),
        ([2.0, *9 * [0.1], 0.1], 10),
        ([2.0, *29 * [2.0], *20 * [0.0]], 35),
    ],
)
def test_when_a_loss_has_halved(losses: list[float], steps: int | None) -> None:
    assert _steps_to_half(np.array(losses, np.float32)) == steps


def test_a_finished_mission_leads_to_its_run_and_the_run_back_to_the_mission(
    app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.missions._ONE", TUTORIAL_PRESETS["one-hidden"].changed(**QUICK))
    mine = app.session_state["owner"]
    queue.submit(TUTORIAL_PRESETS["one-hidden"].changed(**QUICK, seed=3), "somebody else")
    run = queue.submit(TUTORIAL_PRESETS["one-hidden"].changed(**QUICK, seed=3), mine)
    newer = queue.submit(TUTORIAL_PRESETS["two-hidden"].changed(**QUICK), mine)
    until(lambda: run.status.is_final and newer.status.is_final, "they end")
    predict(app, "train", 0)
    assert run.number == 1
    assert "In your run 1 the loss was" in told(app)
    app.button(key="see_train").click().run()
    assert not app.exception
    assert app.query_params["run"] == run.id
    assert "Run 1: One hidden layer (256)" in [subheader.value.replace("\\", "") for subheader in app.subheader]
    assert "Back to mission 3: Teach it" in links(app)
    app.button(key="hide_way_back").click().run()
    assert "Back to mission 3: Teach it" not in links(app)


def test_a_finished_mission_leads_to_its_comparison(app: AppTest, jobs: Jobs) -> None:
    finding = Finding(1, ("First it rose.", "Then it fell."), ())
    job = Job(Asked(CLAIMS["overfitting"], 1), lambda job: finding, app.session_state["owner"])
    jobs.add(job)
    job.join()
    predict(app, "overfitting", 1)
    found = links(app)
    assert found["See the result"] == {"claim": ["overfitting"], "job": [job.id], "mission": ["overfitting"]}
    assert found["Go to Compare"] == {"claim": ["overfitting"], "mission": ["overfitting"], "prediction": ["1"]}


@pytest.mark.parametrize("page", ["data", "train", "inside", "compare", "draw", "runs"])
def test_from_a_mission_every_page_has_a_way_back_until_one_is_back(queue: RunQueue, jobs: Jobs, page: str) -> None:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page(f"pages/{page}.py")
    app.query_params["mission"] = "forward"
    app.run()
    assert not app.exception
    assert "Back to mission 2: A network that knows nothing" in links(app)
    assert "mission" not in app.query_params
    app.switch_page("pages/runs.py").run()
    assert "Back to mission 2: A network that knows nothing" in links(app)
    app.switch_page("pages/start.py").run()
    app.switch_page(f"pages/{page}.py").run()
    assert not any("mission" in label for label in links(app))


@pytest.mark.parametrize("name", ["", "nonsense", "<script>"])
def test_without_a_mission_there_is_no_way_back(queue: RunQueue, jobs: Jobs, name: str) -> None:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    app.query_params["mission"] = name
    app.run()
    assert not app.exception
    assert not any("mission" in label for label in links(app))


def test_without_the_images_the_page_stands_and_says_why(
    queue: RunQueue, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise DataUnavailable("No network here.")

    monkeypatch.setattr("mlpcore.datasets.is_on_disk", lambda name: False)
    monkeypatch.setattr("mlpcore.datasets.fetch", unavailable)
    monkeypatch.setattr("mlpcore.datasets.load", unavailable)
    monkeypatch.setattr("ui.missions._cookie", lambda: "data-2-9_0000.forward-1-2_3000")
    app = AppTest.from_file("../../app.py", default_timeout=60).run()
    assert not app.exception
    assert "No network here." in [error.value for error in app.error]
    assert app.button(key="start_train_both").disabled
    assert "The missions need the images" in told(app)
    assert "What you can do here" in [subheader.value for subheader in app.subheader]
