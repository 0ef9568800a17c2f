"""The list of runs in the sidebar: one's own first, and nothing about others that gives an answer away."""

import math

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.experiment import experiment_from_fields
from mlpcore.identity import new_name
from mlpcore.runs import Run, RunQueue
from tests.waiting import until
from ui.session import SHARED, mark_of
from ui.words import percent

ME, OTHER = new_name(), new_name()


def finished(queue: RunQueue, owner: str) -> Run:
    run = queue.submit(experiment_from_fields({"hidden": [8], "train_size": 500, "validation": 0, "epochs": 1}), owner)
    until(lambda: run.status.is_final, "it ends")
    return run


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60)
    app.session_state["owner"] = ME
    return app


def test_ones_own_runs_stand_in_the_sidebar_with_their_accuracy(app: AppTest, queue: RunQueue) -> None:
    run = finished(queue, ME)
    app.run()
    assert not app.exception
    assert run.outcome
    assert app.button(key=f"show_{run.id}").label == f"Run 1 · {percent(run.outcome.test_accuracy)}"
    assert not app.sidebar.expander


def test_shared_runs_are_folded_away_and_do_not_show_their_accuracy(app: AppTest, queue: RunQueue) -> None:
    mine, theirs = finished(queue, ME), finished(queue, OTHER)
    queue.describe(theirs, "", [SHARED])
    app.run()
    assert not app.exception
    [folded] = app.sidebar.expander
    assert not folded.proto.expanded
    assert [button.label for button in folded.button] == [f"Run 1 of {mark_of(OTHER)} · finished"]
    assert f"show_{mine.id}" not in [button.key for button in folded.button]


def test_the_end_of_ones_own_run_is_announced_and_that_of_somebody_elses_is_not(app: AppTest, queue: RunQueue) -> None:
    mine, theirs = finished(queue, ME), finished(queue, OTHER)
    queue.describe(theirs, "", [SHARED])
    # Both were noticed a while ago, and not announced yet.
    app.session_state["ended_runs"] = {mine.id: -math.inf, theirs.id: -math.inf}
    app.session_state["announced_runs"] = set()
    app.run()
    assert not app.exception
    [toast] = app.toast
    assert toast.value.startswith("Run 1")
