"""The Start page: both models in one click, and missions that tell what came out, also on the pages they lead to."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import MagicMock
from urllib.parse import parse_qs

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.claims import CLAIMS, Finding
from mlpcore.comparison.job import Job, Jobs
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.result_cache import ResultCache
from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.identity import new_name, seed_of
from mlpcore.runs import RunQueue
from tests.waiting import until
from ui.claims import Asked
from ui.missions.answers import Answers, answers_in
from ui.missions.catalog import missions
from ui.missions.outcomes import Outcome, steps_to_half
from ui.session import belongings_of

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


def links(app: AppTest) -> dict[str, dict[str, list[str]]]:
    """The addresses that the page's links to other pages carry, by what they say."""
    return {link.proto.label: parse_qs(link.proto.query_string) for link in app.main.get("page_link")}


def predict(app: AppTest, mission: str, answer: int) -> AppTest:
    app.radio(key=f"predict_{mission}").set_value(answer).run()
    assert not app.exception
    return app


def test_the_missions_cover_the_whole_tutorial() -> None:
    covered = {chapter for mission in missions().values() for chapter in mission.texts.covers}
    assert covered == {f"T{number}" for number in range(1, 16)}
    for mission in missions().values():
        assert len(mission.texts.answers) >= 3
        assert mission.texts.question.endswith("?")


def test_one_click_trains_both_models_with_a_seed_of_ones_own(
    app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tuple(TUTORIAL_PRESETS[name].changed(**QUICK) for name in ("one-hidden", "two-hidden"))
    monkeypatch.setattr("ui.start_models._PRESETS", pair)
    mine, seed = app.session_state["owner"], seed_of(app.session_state["owner"])
    # Neither another's runs nor the default seed count.
    queue.submit(pair[0].changed(seed=seed), "somebody else")
    for place in range(2):
        assert f"**{seed + place}**" in told(app)
        app.button(key="start_train_both").click().run()
        new = [run for run in queue.runs() if run.owner == mine and run.experiment.seed == seed + place]
        assert {run.experiment for run in new} == {preset.changed(seed=seed + place) for preset in pair}
        until(lambda: all(run.status.is_final for run in new), "they end")  # noqa: B023
        assert ("| Seed |" in told(app.run())) == (place == 1)
    accuracies = [run.outcome.test_accuracy for run in queue.runs() if run.outcome and run.owner == mine]
    for accuracy in accuracies:
        assert f"| {100 * accuracy:.2f} % |" in told(app)
    two = accuracies[::2]
    assert f"with two up to {100 * (max(two) - min(two)):.2f}." in told(app)
    assert links(app)["Is one of them better, or lucky?"]["all"] == [f"validation:0 seed:{seed}"]


def test_a_stopped_run_is_no_part_of_the_spread(app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = tuple(TUTORIAL_PRESETS[name].changed(**QUICK | {"epochs": 50}) for name in ("one-hidden", "two-hidden"))
    monkeypatch.setattr("ui.start_models._PRESETS", pair)
    for _ in range(2):
        app.button(key="start_train_both").click().run()
        assert app.button(key="start_train_both").disabled
        for run in queue.runs():
            queue.stop(run)
        until(lambda: all(run.status.is_final for run in queue.runs()), "they end")
        app.run()
    assert "| Seed |" not in told(app)


def test_a_mission_asks_first_and_tells_only_what_came_out(app: AppTest) -> None:
    assert "Go to Data" not in links(app)
    predict(app, "data", 0)
    assert "Go to Data" in links(app)
    for wrong in ("nine", "11", "2.5"):
        app.text_input(key="read_data").set_value(wrong).run()
        assert f"'{wrong}' is not possible here: enter a whole number from 1 to 10." in told(app)
    app.text_input(key="read_data").set_value("10").run()
    assert "The result: Almost always all ten" in told(app)
    assert "You counted 10, and that is right." in told(app)
    assert "Over all 938 batches" in told(app)
    assert "predict_data" not in [radio.key for radio in app.radio]
    app.button(key="again_data").click().run()
    assert app.radio(key="predict_data").value is None
    assert "You counted" not in told(app)


def test_a_number_that_the_page_does_not_show_is_not_praised(app: AppTest) -> None:
    predict(app, "data", 0)
    app.text_input(key="read_data").set_value("3").run()
    assert "You counted 3, but the first batch on the Data page holds 10" in told(app)


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
    monkeypatch.setattr("ui.missions.outcomes._ONE", TUTORIAL_PRESETS["one-hidden"].changed(**QUICK))
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
    assert f"recognizes {100 * run.result.test.accuracy:.2f} %" in told(app)


def test_a_comparison_of_ones_own_is_told_with_its_verdict(
    app: AppTest, jobs: Jobs, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = QUICK | {"train_size": 500}
    pair = tuple(TUTORIAL_PRESETS[name].changed(**quick) for name in ("one-hidden", "two-hidden"))
    monkeypatch.setattr("ui.missions.outcomes._ONE", pair[0])
    monkeypatch.setattr("ui.missions.outcomes._TWO", pair[1])

    def compared(plan: Plan) -> None:
        job = Job(plan, lambda job: job.train(plan.runs), app.session_state["owner"], cache=ResultCache(jobs))
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
    monkeypatch.setattr("ui.missions.answers.cookie", lambda: cookie)
    app = AppTest.from_file("../../app.py", default_timeout=60).run()
    assert not app.exception
    if cookie.startswith("data-2"):
        assert "As you predicted: Almost always all ten" in told(app)
        assert "You predicted: **About 2.3**" in told(app)


def test_the_overfitting_missions_answers_are_those_of_the_claim(mnist: Dataset) -> None:
    mission = missions()["overfitting"]
    claim = CLAIMS["overfitting"]
    assert len(mission.texts.answers) == len(claim.answers)
    for ours, theirs in zip(mission.texts.answers, claim.answers, strict=True):
        assert ("fall" in theirs) == ("worse" in ours)


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
    assert steps_to_half(np.array(losses, np.float32)) == steps


def test_a_finished_mission_leads_to_its_run_and_the_run_back_to_the_mission(
    app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.missions.outcomes._ONE", TUTORIAL_PRESETS["one-hidden"].changed(**QUICK))
    mine = app.session_state["owner"]
    queue.submit(TUTORIAL_PRESETS["one-hidden"].changed(**QUICK, seed=3), "somebody else")
    run = queue.submit(TUTORIAL_PRESETS["one-hidden"].changed(**QUICK, seed=3), mine)
    newer = queue.submit(TUTORIAL_PRESETS["two-hidden"].changed(**QUICK), mine)
    until(lambda: run.status.is_final and newer.status.is_final, "they end")
    predict(app, "train", 0)
    assert run.number == 1
    assert "In your run 1, the loss was" in told(app)
    app.button(key="see_train").click().run()
    assert not app.exception
    assert app.query_params["run"] == run.id
    assert "Run 1: One hidden layer (256)" in [subheader.value.replace("\\", "") for subheader in app.subheader]
    assert "Mission 3: Teach it" in told(app)
    app.button(key="mission_leave").click().run()
    assert "Mission 3" not in told(app)


def test_a_finished_mission_leads_to_its_comparison(app: AppTest, jobs: Jobs) -> None:
    finding = Finding(1, ("First it rose.", "Then it fell."), ())
    job = Job(Asked(CLAIMS["overfitting"], 1), lambda job: finding, app.session_state["owner"])
    jobs.add(job)
    job.join()
    predict(app, "overfitting", 1)
    found = links(app)
    assert found["Open the result"] == {"claim": ["overfitting"], "job": [job.id], "mission": ["overfitting"]}
    assert found["Go to Compare"] == {"claim": ["overfitting"], "mission": ["overfitting"], "prediction": ["1"]}


def test_ones_own_newest_drawings_are_told_with_what_the_models_read(app: AppTest, mnist: Dataset) -> None:
    predict(app, "draw", 0)
    digits = belongings_of(app.session_state["owner"]).digits
    stroke = np.zeros((2, 2))
    digits.keep(mnist.test.images[99], (), 0)  # a photo, which does not count
    for row, label in enumerate(mnist.test.labels[:4].tolist()):
        digits.keep(mnist.test.images[row], (stroke,), label)
    assert "4 of 5 drawings kept so far" in told(app.run())
    # The network reads a seven, whatever its owner says.
    digits.keep(mnist.test.images[17], (stroke,), 2)
    app.run()
    assert "You predicted “All five”. The result: Three or four." in told(app)
    assert "read 4 of your 5 newest drawings. It took a 2 for a 7." in told(app)


@pytest.mark.parametrize("page", ["data", "train", "inside", "compare", "draw", "runs"])
def test_a_mission_goes_along_to_every_page_until_one_is_back(queue: RunQueue, jobs: Jobs, page: str) -> None:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page(f"pages/{page}.py")
    app.query_params["mission"] = "forward"
    app.run()
    assert not app.exception
    assert "Mission 2: A network that knows nothing" in told(app)
    assert "mission" not in app.query_params
    predict(app, "forward", 1)
    assert "take the untrained network and any image" in told(app)
    app.button(key="mission_fold").click().run()
    assert "take the untrained network and any image" not in told(app)
    app.button(key="mission_fold").click().run()
    app.switch_page("pages/runs.py").run()
    app.text_input(key="read_forward").set_value("2.31").run()
    assert not app.exception
    assert "As you predicted: About 2.3" in told(app)
    app.switch_page("pages/start.py").run()
    assert "Mission 2: A network that knows nothing" in [subheader.value for subheader in app.subheader]
    assert "You read 2.31." in told(app)
    app.switch_page(f"pages/{page}.py").run()
    assert "Mission 2" not in told(app)


def test_the_start_page_goes_on_with_the_next_mission_and_shows_all_when_asked(app: AppTest) -> None:
    app.switch_page("pages/data.py")
    app.query_params["mission"] = "data"
    predict(app.run(), "data", 2)
    app.text_input(key="read_data").set_value("10").run()
    app.switch_page("pages/start.py").run()
    app.button(key="mission_next").click().run()
    assert app.radio(key="predict_forward").value is None
    assert "Mission 2: A network that knows nothing" in [subheader.value for subheader in app.subheader]
    app.button(key="mission_all").click().run()
    assert not app.exception
    assert not any(subheader.value.startswith("Mission 2") for subheader in app.subheader)


@pytest.mark.parametrize("name", ["", "nonsense", "<script>"])
def test_without_a_mission_nothing_is_said_of_one(queue: RunQueue, jobs: Jobs, name: str) -> None:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    app.query_params["mission"] = name
    app.run()
    assert not app.exception
    assert "Back to Start" not in links(app)


def test_a_reload_leaves_one_on_the_mission_but_a_lesson_link_does_not(
    queue: RunQueue, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.missions.answers.cookie", lambda: "train-1.on-train")
    for address, goes_on in [({"seed": "1"}, True), ({"question": "Why?"}, False)]:
        app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        assert ("Mission 3: Teach it" in told(app)) == goes_on


def test_what_is_remembered_comes_back_as_it_was() -> None:
    answers = Answers({"data": 2, "forward": 0}, {"forward": 2.31}, underway="forward")
    assert str(answers) == "data-2.forward-0-2_3100.on-forward"
    assert answers_in(str(answers)) == answers


def test_before_a_training_its_time_on_this_computer_is_told(
    app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tuple(TUTORIAL_PRESETS[name].changed(**QUICK) for name in ("one-hidden", "two-hidden"))
    monkeypatch.setattr("ui.missions.outcomes._ONE", pair[0])
    for mission in ("train", "compare", "overfitting"):
        predict(app, mission, 0)
    # Measured where nothing has been trained yet, afterwards by what has.
    assert told(app).count("The training takes about") == 3
    for experiment, expected in [(pair[1], 3), (pair[0], 2)]:
        # Equal experiments are not trained twice, whoever has trained them.
        run = queue.submit(experiment, "somebody else")
        until(lambda: run.status.is_final, "it ends")  # noqa: B023
        assert told(app.run()).count("The training takes about") == expected


def test_after_all_missions_one_reads_what_was_found_and_where_to_go_on(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, mission in enumerate(missions().values()):
        assert "missions done" not in told(app)
        values = defaultdict(str, short="S", first="F", mean="M", halved="H")
        outcome = Outcome(place % 2, values)
        monkeypatch.setitem(missions(), mission.name, replace(mission, outcome=MagicMock(return_value=outcome)))
        predict(app, mission.name, 0)
    assert "All 6 missions done.** You predicted 3 of 6 results." in told(app)
    for mission in missions().values():
        assert f"- **{mission.texts.title}:**" in told(app)
    assert links(app)["Test what tutorials claim"] == {"claim": ["capacity"]}


def test_without_the_images_the_page_stands_and_says_why(
    queue: RunQueue, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise DataUnavailable("No network here.")

    monkeypatch.setattr("mlpcore.datasets.is_on_disk", lambda name: False)
    monkeypatch.setattr("mlpcore.datasets.fetch", unavailable)
    monkeypatch.setattr("mlpcore.datasets.load", unavailable)
    monkeypatch.setattr("ui.missions.answers.cookie", lambda: "data-2-9_0000.forward-1-2_3000")
    app = AppTest.from_file("../../app.py", default_timeout=60).run()
    assert not app.exception
    assert "No network here." in [error.value for error in app.error]
    assert app.button(key="start_train_both").disabled
    assert "The missions need the images" in told(app)
    assert "What you can do here" in [subheader.value for subheader in app.subheader]
