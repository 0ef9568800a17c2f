"""The Compare page's behavior in Streamlit's own headless runner; what only a browser shows is in tests/browser."""

import re
from collections.abc import Callable, Iterator, Mapping

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from mlpcore import claims
from mlpcore.claims import Chart, Claim, Finding, Training
from mlpcore.comparison.job import Job, Jobs
from mlpcore.comparison.plan import Plan, first_seeds
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.export import comparison_script, script
from mlpcore.figures import run_color
from mlpcore.identity import new_name
from mlpcore.runs import RunQueue
from tests.waiting import until
from ui.claims import Asked
from ui.comparison_list import link_to
from ui.comparison_setup import address_of

Opener = Callable[..., AppTest]
QUICK = {
    "model": ["hidden:none", "hidden:16"],
    "all": "epochs:1 train_size:1000 validation:500",
    "seeds": "2",
    "important": "1",
}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """Jobs of the test's own in place of the process's."""
    jobs = Jobs()
    monkeypatch.setattr("mlpcore.comparison.job.jobs", jobs)
    for module in ["claims", "comparison_list", "comparison_start", "model_comparison", "time_ahead"]:
        monkeypatch.setattr(f"ui.{module}.jobs", jobs)
    yield jobs
    jobs.close()


@pytest.fixture
def open_page(queue: RunQueue, jobs: Jobs) -> Opener:
    """Opens the page with an address, in a new session."""

    def open_page(**address: str | list[str]) -> AppTest:
        app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/compare.py")
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_page


def texts(app: AppTest) -> str:
    """All that is written on the page."""
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success, *app.subheader]
    return " ".join(str(element.value) for element in elements).replace("\\", "")


def visit(app: AppTest, address: Mapping[str, str | list[str]]) -> None:
    """Follows a link to the page within the app."""
    app.query_params.clear()
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception


def compare(app: AppTest, jobs: Jobs) -> AppTest:
    """Presses Compare, waits for the end, and looks again."""
    app.button(key="compare").click().run()
    until(lambda: jobs.all()[0].is_over, "the comparison ends")
    app.run()
    assert not app.exception
    return app


def plan_of(jobs: Jobs) -> Plan:
    plan = jobs.all()[0].subject
    assert isinstance(plan, Plan)
    return plan


def test_t13_the_tutorials_two_models_stand_ready_with_five_seeds(open_page: Opener) -> None:
    app = open_page()
    assert [app.text_input(key=f"compare_hidden_{slot}").value for slot in (0, 1)] == ["256", "512,256"]
    assert app.text_input(key="compare_seeds").value == "5"
    assert app.text_input(key="compare_important").value == "0.5"
    assert not app.button(key="compare").disabled
    assert "10 runs, about" in texts(app)
    assert "203,530 parameters" in texts(app)
    assert "535,818 parameters" in texts(app)


def test_a_newcomers_first_comparison_is_one_button_away(open_page: Opener) -> None:
    app = open_page()
    app.button(key="compare_setup_1").click().run()
    assert [app.text_input(key=f"compare_hidden_{slot}").value for slot in (0, 1)] == ["none", "256"]
    assert app.query_params["model"] == ["hidden:none", "hidden:256"]


def test_a_comparison_trains_every_model_with_every_seed_and_says_what_follows(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**QUICK), jobs)
    plan = plan_of(jobs)
    assert [experiment.architecture.hidden for experiment in plan.experiments] == [(), (16,)]
    assert plan.seeds == (0, 1)
    assert plan.important == 0.01
    written = texts(app)
    assert "These trained models (seed 0):" in written
    assert "These architectures:" in written
    assert "finding 1 points as often takes" in written
    table = app.table[0].value
    assert list(table.columns) == ["", "Linear softmax classifier", r"One hidden layer \(16\)"]
    assert list(table[""])[:3] == ["Test accuracy", "95 % interval over seeds", "Seeds finished"]
    assert "Recognized by none of the 4 trained models" in written
    assert app.query_params["job"] == jobs.all()[0].id


def test_when_the_time_to_answer_was_measured_is_said(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**QUICK), jobs)
    assert re.search(r"measured on this machine on \d{4}-\d\d-\d\d \d\d:\d\d\.", texts(app))


def test_the_set_up_is_open_until_there_is_a_result_and_folds_above_it(open_page: Opener, jobs: Jobs) -> None:
    app = open_page(**QUICK)
    assert "Change the set-up" not in [expander.label for expander in app.expander]
    compare(app, jobs)
    [fold] = [expander for expander in app.expander if expander.label == "Change the set-up"]
    assert not fold.proto.expanded
    assert "compare_hidden_0" in [field.key for field in fold.text_input]
    assert "compare" in [button.key for button in fold.button]
    # Who follows a link to the comparison sees the same.
    other = open_page(**{**QUICK, "job": jobs.all()[0].id})
    assert "Change the set-up" in [expander.label for expander in other.expander]
    assert "Conclusion" in texts(other)


def test_the_next_comparison_opens_the_set_up_with_the_tutorials_pair(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**{**QUICK, "model": ["hidden:none", "hidden:256"]}), jobs)
    app.button(key="compare_next").click().run()
    assert not app.exception
    assert "Change the set-up" not in [expander.label for expander in app.expander]
    assert [app.text_input(key=f"compare_hidden_{slot}").value for slot in (0, 1)] == ["256", "512,256"]
    assert "job" not in app.query_params


def test_a_claim_that_a_link_makes_up_is_shown_as_it_is_written(open_page: Opener) -> None:
    app = open_page(claim="![x](http://example.com)")
    assert r"\!\[x\]\(http" in app.warning[0].value


def test_one_seed_says_that_nothing_follows_about_architectures(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**{**QUICK, "seeds": "1"}), jobs)
    assert "since each was trained with one seed only" in texts(app)


def test_what_differs_is_set_in_the_models_own_fields(open_page: Opener, jobs: Jobs) -> None:
    app = open_page(**QUICK)
    app.multiselect(key="compare_own_1").set_value(["dropout", "epochs"]).run()
    assert app.text_input(key="compare_1_epochs").value == "1"
    app.text_input(key="compare_1_dropout").set_value("0.25").run()
    assert app.query_params["model"] == ["hidden:none", "hidden:16 dropout:0.25 epochs:1"]
    compare(app, jobs)
    first, second = plan_of(jobs).experiments
    assert (first.architecture.dropout, second.architecture.dropout) == (0, 0.25)


def test_a_link_within_the_app_brings_its_set_up_also_at_a_second_visit(open_page: Opener, jobs: Jobs) -> None:
    app = open_page()
    app.query_params.clear()
    app.query_params["claim"] = "order"
    app.run()
    assert "Training images must be shuffled" in texts(app)
    app.query_params.clear()
    app.query_params["model"] = ["hidden:7", "hidden:9"]
    app.run()
    assert not app.exception
    assert [app.text_input(key=f"compare_hidden_{slot}").value for slot in (0, 1)] == ["7", "9"]


def test_a_result_under_another_set_up_says_so(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**QUICK), jobs)
    assert "differs from this comparison" not in texts(app)
    app.text_input(key="compare_hidden_1").set_value("32").run()
    assert "The set-up above differs from this comparison." in texts(app)
    assert "job" not in app.query_params


def test_up_to_six_models_and_never_fewer_than_two(open_page: Opener) -> None:
    app = open_page()
    assert app.button(key="compare_remove_0").disabled
    for _ in range(4):
        app.button(key="compare_add").click().run()
    assert app.button(key="compare_add").disabled
    assert "appears twice with the same settings" in texts(app)
    assert app.button(key="compare").disabled
    app.button(key="compare_remove_2").click().run()
    assert len(app.session_state["compare_slots"]) == 5


def test_a_finished_run_joins_with_its_settings_and_is_not_trained_again(
    open_page: Opener, queue: RunQueue, jobs: Jobs
) -> None:
    experiment = experiment_from_fields(
        {"hidden": [8], "train_size": 1000, "validation": 500, "epochs": 1, "optimizer": "sgd", "seed": 1}
    )
    run = queue.submit(experiment)
    until(lambda: run.status.is_final, "the run ends")
    app = open_page(**QUICK)
    app.button(key="compare_add_run").click().run()
    assert app.text_input(key="compare_hidden_2").value == "8"
    assert app.selectbox(key="compare_2_optimizer").value == "sgd"
    assert "5 runs, about" in texts(app)
    assert "the results of 1 more" in texts(app)
    compare(app, jobs)
    assert [each.architecture.hidden for each in plan_of(jobs).experiments] == [(), (16,), (8,)]
    assert len(jobs.all()[0].outcome) == 6


def test_more_seeds_after_a_look_are_called_peeking(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**QUICK), jobs)
    assert "All these runs were trained earlier" in texts(app)
    app.text_input(key="compare_seeds").set_value("3").run()
    assert "already seen these models" in texts(app)
    app.text_input(key="compare_all_seed").set_value("2").run()
    assert "already seen these models" not in texts(app)
    compare(app, jobs)
    assert plan_of(jobs).seeds == (2, 3, 4)


@pytest.mark.parametrize(
    ("key", "text", "part"),
    [
        ("compare_hidden_0", "25x", "'25x' is not possible"),
        ("compare_hidden_1", "5000", "whole numbers from 1 to 4,096"),
        ("compare_hidden_1", "1,2,3,4,5,6,7,8,9", "9 hidden layers are not possible"),
        ("compare_seeds", "51", "whole numbers from 1 to 50"),
        ("compare_seeds", "many", "'many' is not possible"),
        ("compare_important", "0,5", "'0,5' is not a number of points"),
        ("compare_important", "nan", "points is not possible"),
        ("compare_important", "0", "points is not possible"),
        ("compare_important", "1e-9", "points is not possible"),
        ("compare_all_learning_rate", "0", "Learning rate"),
        ("compare_all_seed", "2147483647", "Seed"),
    ],
)
def test_a_mistake_is_said_and_nothing_can_be_started(open_page: Opener, key: str, text: str, part: str) -> None:
    app = open_page()
    app.text_input(key=key).set_value(text).run()
    assert not app.exception
    assert part in texts(app)
    assert app.button(key="compare").disabled


@pytest.mark.parametrize(
    "address",
    [
        {"model": ["nonsense"]},
        {"model": ["hidden:0"]},
        {"model": ["hidden:256", "epochs:0"]},
        {"model": ["hidden:256"]},
        {"seeds": "3"},
        {"all": "dataset:imagenet", "model": ["hidden:1", "hidden:2"]},
        {"model": ["x" * 5000]},
    ],
    ids=str,
)
def test_a_link_that_cannot_be_used_is_said_and_the_usual_set_up_stands(
    open_page: Opener, address: dict[str, str | list[str]]
) -> None:
    app = open_page(**address)
    assert "could not be used" in app.warning[0].value
    assert app.text_input(key="compare_hidden_1").value == "512,256"


def test_a_link_with_bad_numbers_shows_them_with_what_is_wrong(open_page: Opener) -> None:
    app = open_page(**{**QUICK, "seeds": "1000", "important": "x", "job": "../etc"})
    assert "whole numbers from 1 to 50" in texts(app)
    assert "'x' is not a number of points" in texts(app)


def test_a_cancelled_comparison_concludes_nothing_and_keeps_what_is_finished(open_page: Opener, jobs: Jobs) -> None:
    app = open_page(
        model=["hidden:none epochs:1", "hidden:16 epochs:1000"], all="train_size:20000 validation:500", seeds="2"
    )
    app.button(key="compare").click().run()
    job = jobs.all()[0]
    until(lambda: bool(job.batches) and job.batches[0].trained[0] is not None, "the short one ends")
    app.run()
    app.button(key=f"cancel_{job.id}").click().run()
    until(lambda: job.is_over, "the rest ends")
    app.run()
    assert not app.exception
    assert "this comparison was cut short" in texts(app)


def test_a_failed_run_is_said(open_page: Opener, jobs: Jobs) -> None:
    app = open_page(
        model=["hidden:64,64,64 optimizer:sgd learning_rate:100", "hidden:none"],
        all="train_size:1000 epochs:9",
        seeds="1",
    )
    compare(app, jobs)
    assert "learning rate too high" in app.error[0].value


def made_up(training: Training) -> Finding:
    runs = training.train([Experiment().changed(hidden=(8,), train_size=500, epochs=1)])
    figure = go.Figure([{"y": [run.test.accuracy for run in runs], "marker": {"color": run_color(1)}}])
    return Finding(1, ("It came out so.",), (Chart("What?", figure, "A dot."),))


@pytest.fixture
def claim(monkeypatch: pytest.MonkeyPatch) -> Claim:
    """A quick claim in place of the real ones."""
    claim = Claim("made-up", "Made up", "They say so.", "One run.", "What will come?", ("This", "That"), made_up)
    monkeypatch.setattr("ui.claims.CLAIMS", {"made-up": claim})
    return claim


def test_a_claim_asks_for_a_prediction_first_then_says_what_came_out(
    open_page: Opener, jobs: Jobs, claim: Claim
) -> None:
    app = open_page(claim="made-up")
    assert "They say so." in texts(app)
    assert app.button(key="try_made-up").disabled
    app.radio(key="prediction_made-up").set_value(0).run()
    app.button(key="try_made-up").click().run()
    until(lambda: jobs.all()[0].is_over, "it ends")
    app.run()
    assert not app.exception
    assert "You predicted “This”. The result is different: That." in texts(app)
    assert "It came out so." in texts(app)
    # Whoever follows the link sees the same.
    other = open_page(claim="made-up", job=jobs.all()[0].id)
    assert "You predicted “This”." in texts(other)


@pytest.mark.parametrize(
    ("chapter", "name"),
    [
        ("t5", "batch-size"),
        ("t4", "order"),
        ("t9", "optimizers"),
        ("t14", "capacity"),
        ("t15", "overfitting"),
        ("t15", "cost"),
    ],
)
def test_what_the_tutorials_chapters_claim_can_be_tried(open_page: Opener, chapter: str, name: str) -> None:
    app, claim = open_page(claim=name), claims.CLAIMS[name]
    assert claim.says in texts(app), chapter
    app.radio(key=f"prediction_{name}").set_value(0).run()
    assert not app.exception and not app.button(key=f"try_{name}").disabled


@pytest.mark.parametrize("name", [name for name in claims.CLAIMS if name != "cost"])
def test_before_a_claim_is_tried_its_time_is_told_also_where_nothing_has_been_trained(
    open_page: Opener, name: str
) -> None:
    assert re.search(r"About [\d.]+ (s|min|h)\b.* on this computer", texts(open_page(claim=name)))


def test_of_a_claim_that_trains_nothing_no_time_is_made_up(open_page: Opener) -> None:
    assert "not known beforehand" in texts(open_page(claim="cost"))


def test_an_unknown_claim_in_the_address_shows_the_first(open_page: Opener) -> None:
    app = open_page(claim="nonsense")
    assert app.session_state["claim"] == next(iter(claims.CLAIMS))
    assert "'nonsense'" in app.warning[0].value


def test_a_running_comparison_stands_in_the_list_beside_every_page(queue: RunQueue, jobs: Jobs) -> None:
    plan = Plan(tuple(experiment_from_fields({"hidden": [size], "epochs": 1000}) for size in (4, 8)), seeds=(0,))
    app = AppTest.from_file("../../app.py", default_timeout=60)
    app.session_state["owner"] = new_name()
    jobs.add(Job(plan, lambda job: job.train(plan.runs), app.session_state["owner"]))
    app.run()
    assert not app.exception
    assert any(button.label.startswith("Comparison") for button in app.button)
    stranger = AppTest.from_file("../../app.py", default_timeout=60).run()
    assert not any(button.label.startswith("Comparison") for button in stranger.button)


def test_a_job_chosen_in_that_list_is_shown_whatever_the_page_showed_before(
    open_page: Opener, jobs: Jobs, claim: Claim
) -> None:
    app = compare(open_page(**QUICK), jobs)
    asked = Job(Asked(claim, 1), claim.investigate)
    jobs.add(asked)
    asked.join()
    visit(app, link_to(asked))
    assert "As you predicted: That." in texts(app)
    visit(app, link_to(jobs.all()[1]))
    assert "Conclusion" in texts(app)


def test_ones_own_comparisons_are_listed_with_their_results_and_shown_again(
    open_page: Opener, jobs: Jobs, claim: Claim
) -> None:
    app = open_page(**QUICK)
    assert "comparison_list" not in str(app.main)
    compare(app, jobs)
    first = jobs.all()[0]
    app.text_input(key="compare_hidden_1").set_value("24").run()
    compare(app, jobs)
    second = jobs.all()[0]
    asked, strange = (Job(Asked(claim, 1), claim.investigate, owner) for owner in (first.owner, "somebody else"))
    for job in (asked, strange):
        jobs.add(job)
        job.join()
    app.run()
    written = texts(app)
    assert app.expander[0].label == "Your comparisons: 3"
    assert "**Linear softmax classifier; One hidden layer (16): 2 seeds each**" in written
    assert "**Claim: Made up**" in written
    assert written.count(" · done · In short: ") == 2
    assert " · done · As you predicted: That." in written
    assert f"show_{strange.id}" not in [button.key for button in app.button]

    app.button(key=f"show_{first.id}").click().run()
    assert not app.exception
    assert app.query_params["job"] == first.id
    assert app.text_input(key="compare_hidden_1").value == "16"
    assert "differs from this comparison" not in texts(app)
    app.button(key=f"show_{asked.id}").click().run()
    assert not app.exception
    assert app.query_params == {"claim": "made-up", "job": asked.id}
    assert "It came out so." in texts(app)
    app.button(key=f"show_{second.id}").click().run()
    assert app.text_input(key="compare_hidden_1").value == "24"


def test_of_a_claim_that_was_tried_twice_the_one_that_is_asked_for_is_shown(
    open_page: Opener, jobs: Jobs, claim: Claim
) -> None:
    older, newer = (Job(Asked(claim, prediction), claim.investigate) for prediction in (1, 0))
    for job in (older, newer):
        jobs.add(job)
        job.join()
    app = open_page(**link_to(newer))
    assert app.radio(key="prediction_made-up").value == 0
    visit(app, link_to(older))
    assert "As you predicted: That." in texts(app)
    assert app.radio(key="prediction_made-up").value == 1


def test_in_a_lesson_an_earlier_comparison_is_shown_and_the_locked_fields_stay(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**QUICK), jobs)
    visit(app, {"model": ["hidden:7", "hidden:9"], "question": "Which?", "lock": "hidden"})
    app.button(key=f"show_{jobs.all()[0].id}").click().run()
    assert not app.exception
    assert [app.text_input(key=f"compare_hidden_{slot}").value for slot in (0, 1)] == ["7", "9"]
    assert "Conclusion" in texts(app)


def test_a_plan_is_found_again_by_its_address(open_page: Opener, jobs: Jobs) -> None:
    base = experiment_from_fields({"epochs": 1, "train_size": 1000, "validation": 500, "dropout": 0.1, "seed": 6})
    models = (
        base.changed(hidden=(8,), dropout=0.2),
        base.changed(hidden=(8,)),
        base.changed(hidden=(), dropout=0, optimizer="sgd"),
    )
    plan = Plan(models, first_seeds(2, 6), 0.7 / 100)
    compare(open_page(**address_of(plan)), jobs)
    assert plan_of(jobs) == plan


def test_the_code_of_a_comparison_is_that_of_its_set_up(open_page: Opener, jobs: Jobs) -> None:
    app = compare(open_page(**QUICK), jobs)
    assert comparison_script(plan_of(jobs)).strip() in [code.value for code in app.code]
    app.text_input(key="compare_seeds").set_value("many").run()
    assert not any("SEEDS" in code.value for code in app.code)


def test_the_code_of_every_training_of_a_claim_is_shown(open_page: Opener, jobs: Jobs, claim: Claim) -> None:
    app = open_page(claim="made-up")
    app.radio(key="prediction_made-up").set_value(0).run()
    app.button(key="try_made-up").click().run()
    until(lambda: jobs.all()[0].is_over, "it ends")
    app.run()
    (batch,) = jobs.all()[0].batches
    assert script(batch.experiments[0]).strip() in [code.value for code in app.code]


@pytest.mark.parametrize(("given", "taken"), [("1", 1), ("7", None), ("-1", None), ("x", None)])
def test_what_was_predicted_elsewhere_is_not_asked_again(
    open_page: Opener, claim: Claim, given: str, taken: int | None
) -> None:
    app = open_page(claim="made-up", prediction=given)
    assert app.radio(key="prediction_made-up").value == taken
    assert app.button(key="try_made-up").disabled == (taken is None)
    assert "prediction" not in app.query_params


def test_what_a_lesson_locks_stays_when_a_ready_made_comparison_is_taken(open_page: Opener) -> None:
    app = open_page(
        model=["hidden:7", "hidden:9"],
        all="optimizer:sgd epochs:2",
        seeds="3",
        question="Which?",
        lock="optimizer,seeds",
    )
    assert app.text_input(key="compare_seeds").disabled and not app.text_input(key="compare_important").disabled
    app.button(key="compare_setup_1").click().run()
    assert not app.exception
    plan = {key: app.session_state[f"compare_{key}"] for key in ("seeds", "all_optimizer", "all_epochs", "hidden_0")}
    assert plan == {"seeds": "3", "all_optimizer": "sgd", "all_epochs": "5", "hidden_0": "none"}


def test_without_its_hidden_layers_to_change_no_ready_made_comparison_is_offered(open_page: Opener) -> None:
    app = open_page(model=["hidden:7", "hidden:9"], question="Which?", lock="hidden", hide="important")
    keys = [each.key for each in (*app.button, *app.text_input)]
    assert "compare_setup_1" not in keys and "compare_important" not in keys
