"""The Runs page: find, describe, share, compare, delete and restore, export."""

import re
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore import runs
from mlpcore.datasets import Dataset
from mlpcore.experiment import experiment_from_fields
from mlpcore.export import NotExportable
from mlpcore.identity import new_name
from mlpcore.models import TrainedModel
from mlpcore.runs import Run, RunQueue
from mlpcore.store import Store
from tests.locked import busy
from tests.waiting import until
from ui.session import SHARED

ME, OTHER = new_name(), new_name()


def finished(queue: RunQueue, owner: str = ME, **fields: object) -> Run:
    experiment = experiment_from_fields(
        {"hidden": [8], "train_size": 500, "validation": 100, "epochs": 1, "device": "cpu", **fields}
    )
    run = queue.submit(experiment, owner)
    until(lambda: run.status.is_final, "it ends")
    return run


@pytest.fixture
def app(queue: RunQueue) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/runs.py")
    app.session_state["owner"] = ME
    return app


def look(app: AppTest, *rows: int) -> AppTest:
    """Runs the page with these rows of the table chosen."""
    app.run()
    if rows:
        [key] = {found for frame in app.dataframe for found in re.findall(r"runs_table_-?\d+", frame.proto.id)}
        app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
        app.run()
    assert not app.exception
    return app


def table(app: AppTest, column: str = "Run") -> Any:
    """The table that has this column."""
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def texts(app: AppTest) -> str:
    return " ".join(str(e.value) for e in [*app.markdown, *app.caption, *app.info, *app.subheader, *app.error])


def test_an_empty_page_says_what_comes(app: AppTest) -> None:
    look(app)
    assert "No runs yet" in app.info[0].value


def test_ones_own_and_shared_runs_are_listed_and_nobody_elses(app: AppTest, queue: RunQueue) -> None:
    finished(queue)
    finished(queue, OTHER, seed=1)
    shared = finished(queue, OTHER, seed=2)
    queue.describe(shared, "Look at this", [SHARED])
    look(app)
    assert list(table(app)["Run"]) == [2, 1]
    assert list(table(app)["Title"]) == ["Look at this", "Run 1: One hidden layer (8)"]
    assert list(table(app)["Owner"]) == [sha256(OTHER.encode()).hexdigest()[:4], "you"]


def test_visitors_find_the_mark_that_others_see_on_their_shared_runs(app: AppTest) -> None:
    look(app)
    assert sha256(ME.encode()).hexdigest()[:4] in texts(app)


def test_a_title_that_looks_like_markdown_is_shown_as_it_was_typed(app: AppTest, queue: RunQueue) -> None:
    shared = finished(queue, OTHER)
    queue.describe(shared, "![x](http://example.com)", [SHARED])
    finished(queue, learning_rate=0.01)
    look(app, 0, 1)
    names = [name for frame in app.table for name in frame.value.columns if "example" in name]
    assert names and all(r"\!\[x\]\(http\:" in name for name in names)


def test_runs_are_found_by_words_and_status(app: AppTest, queue: RunQueue) -> None:
    finished(queue)
    queue.describe(finished(queue, seed=1), "Sigmoid", ["try"], "a note")
    look(app)
    app.text_input(key="runs_search").set_value("note sigm").run()
    assert list(table(app)["Run"]) == [2]
    app.text_input(key="runs_search").set_value("nothing").run()
    assert "No matching runs" in texts(app)


def test_runs_are_found_by_architecture_accuracy_time_and_date(app: AppTest, queue: RunQueue) -> None:
    queue.describe(finished(queue), "Renamed", [])
    finished(queue, hidden=[7, 6])
    look(app)
    assert list(table(app)["Architecture"]) == ["Two hidden layers (7, 6)", "One hidden layer (8)"]
    app.text_input(key="runs_search").set_value("(8)").run()
    assert list(table(app)["Title"]) == ["Renamed"]
    app.text_input(key="runs_search").set_value("").run()
    app.multiselect(key="runs_architectures").set_value(["Two hidden layers (7, 6)"]).run()
    assert list(table(app)["Run"]) == [2]
    app.date_input(key="runs_since").set_value(date.today() + timedelta(days=2)).run()
    assert "No matching runs" in texts(app)
    app.date_input(key="runs_since").set_value(date.today() - timedelta(days=2)).run()
    assert list(table(app)["Run"]) == [2]
    app.slider(key="runs_accuracy").set_value((99, 100)).run()
    assert "No matching runs" in texts(app)


def test_runs_of_nobody_are_not_deleted_with_everything(app: AppTest, queue: RunQueue) -> None:
    finished(queue, owner="")
    look(app)
    assert app.button(key="runs_delete_all").disabled


def test_a_run_is_described_and_shared(app: AppTest, queue: RunQueue) -> None:
    run = finished(queue)
    look(app, 0)
    app.text_input(key=f"title_{run.id}").set_value("My best")
    app.text_input(key=f"tags_{run.id}").set_value("one, two")
    app.text_area(key=f"note_{run.id}").set_value("Why it was good")
    app.toggle(key=f"share_{run.id}").set_value(True)
    app.button(key=f"keep_{run.id}").click().run()
    assert not app.exception
    assert (run.title, set(run.tags), run.note) == ("My best", {"one", "two", SHARED}, "Why it was good")
    look(app, 0)
    app.text_input(key=f"title_{run.id}").set_value("x" * 10_000)
    app.button(key=f"keep_{run.id}").click().run()
    assert app.error


def test_what_somebody_else_shares_can_be_seen_but_not_changed(app: AppTest, queue: RunQueue) -> None:
    run = finished(queue, OTHER)
    queue.describe(run, "Theirs", [SHARED])
    look(app, 0)
    assert app.text_input(key=f"title_{run.id}").disabled
    assert app.toggle(key=f"share_{run.id}").disabled
    assert app.button(key="runs_delete").disabled
    assert app.button(key="runs_delete_all").disabled


def test_deleting_can_be_undone(app: AppTest, queue: RunQueue) -> None:
    runs = [finished(queue, seed=seed) for seed in range(3)]
    look(app, 0, 1)
    app.button(key="runs_delete").click().run()
    assert queue.runs() == [runs[0]]
    app.button(key="runs_undo").click().run()
    assert queue.runs() == runs[::-1]
    assert "runs_undo" not in [button.key for button in app.button]


def test_several_runs_show_their_curves_and_what_differs(app: AppTest, queue: RunQueue) -> None:
    finished(queue)
    finished(queue, learning_rate=0.01)
    look(app, 0, 1)
    assert "Settings that differ" in texts(app)
    assert "Learning rate" in list(app.table[0].value[""])


def test_what_was_tried_is_ranked_by_validation_accuracy(app: AppTest, queue: RunQueue) -> None:
    finished(queue, learning_rate=1e-6)
    finished(queue, learning_rate=0.01)
    finished(queue, learning_rate=0.01, seed=1)
    finished(queue, learning_rate=0.01, validation=0)
    look(app)
    tried = table(app, "Runs")
    assert list(tried["Runs"]) == [2, 1, 1]
    assert list(tried["Learning rate"]) == ["0.01", "1e-06", "0.01"]
    assert tried["Validation accuracy"].isna().tolist() == [False, False, True]


def test_an_interrupted_run_is_offered_to_go_on(queue: RunQueue) -> None:
    from mlpcore.runs import Status

    run = finished(queue)
    run.status = Status.INTERRUPTED
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    app.session_state["owner"] = ME
    app.run()
    assert not app.exception
    assert not app.button(key="run_take_up").disabled
    assert any("exactly as if it had not been interrupted" in info.value for info in app.info)
    stranger = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/train.py")
    stranger.session_state["owner"] = OTHER
    stranger.query_params["run"] = run.id
    stranger.run()
    assert stranger.button(key="run_take_up").disabled


def test_onnx_is_offered_once_it_is_made_and_checked(app: AppTest, queue: RunQueue) -> None:
    run = finished(queue)
    look(app, 0)
    assert "take_Download ONNX_" + run.id not in keys(app)
    app.button(key=f"make_onnx_{run.id}").click().run()
    assert not app.exception and not app.error
    assert "take_Download ONNX_" + run.id in keys(app)


def test_why_there_is_no_onnx_is_said_in_a_sentence(
    app: AppTest, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(model: TrainedModel) -> bytes:
        raise NotExportable("It differs.")

    monkeypatch.setattr("mlpcore.export.onnx_bytes", differs)
    run = finished(queue)
    look(app, 0)
    app.button(key=f"make_onnx_{run.id}").click().run()
    assert not app.exception
    assert [plain_text(error.value) for error in app.error] == ["It differs."]
    assert "take_Download ONNX_" + run.id not in keys(app)


def test_all_that_can_be_taken_away_of_a_run_is_offered(app: AppTest, queue: RunQueue) -> None:
    run = finished(queue)
    look(app, 0)
    assert {f"take_{label}_{run.id}" for label in ("Model", "Script", "Notebook", "Charts", "Epochs", "Steps")} <= keys(
        app
    )
    assert "camera" in texts(app)


def test_another_process_that_keeps_the_list_busy_is_named_and_nothing_waits_for_it(
    mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = RunQueue(load=lambda name: mnist, cores=2, store=Store(tmp_path / "runs", busy_seconds=0.01))
    monkeypatch.setattr(runs, "queue", queue)
    run = finished(queue)
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page("pages/runs.py")
    app.session_state["owner"] = ME
    with busy(tmp_path / "runs"):
        look(app, 0)
        app.text_input(key=f"title_{run.id}").set_value("My best")
        app.button(key=f"keep_{run.id}").click().run()
        assert not app.exception
        assert list(table(app)["Title"]) == ["My best"]
        # AppTest runs the entry script, which has the list at the side, in the first run of a session only.
        (warning,) = AppTest.from_file("../../app.py", default_timeout=60).run().sidebar.warning
        assert "Another program" in warning.value
    queue.close()


def keys(app: AppTest) -> set[str]:
    """The keys of the buttons that download something."""
    return {str(found) for element in app.get("download_button") for found in re.findall(r"take_.*$", element.proto.id)}


def plain_text(markdown: str) -> str:
    return markdown.replace("\\", "")
