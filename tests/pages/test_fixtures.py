"""Links that an earlier version made, and a run that it left: this version's pages show what they meant."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore import runs
from mlpcore.datasets import Dataset
from mlpcore.experiment import experiment_from_fields
from mlpcore.runs import RunQueue
from mlpcore.store import Store
from tests.fixtures.make_fixtures import FINISHED, INTERRUPTED
from ui.session import SHARED

VERSIONS = sorted(path for path in (Path(__file__).parents[1] / "fixtures").iterdir() if (path / "runs").is_dir())

pytestmark = [
    pytest.mark.usefixtures("one_thread", "queue"),
    pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name),
]


@pytest.fixture
def queue(version: Path, tmp_path: Path, mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunQueue]:
    """The process's queue, on a copy of the folder of runs."""
    store = Store(Path(shutil.copytree(version / "runs", tmp_path / "runs")))
    queue = RunQueue(load=lambda name: mnist, cores=1, store=store)
    monkeypatch.setattr(runs, "queue", queue)
    yield queue
    queue.close()


def opened(page: str, address: dict[str, Any]) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60).switch_page(f"pages/{page}.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not [warning.value for warning in app.warning if warning.icon == ":material/link_off:"]
    return app


def link(version: Path, name: str) -> dict[str, Any]:
    address: dict[str, Any] = json.loads((version / "links.json").read_text())[name]
    return address


def test_a_link_to_an_experiment_fills_the_form(version: Path, queue: RunQueue) -> None:
    app = opened("train", link(version, "experiment"))
    assert "rate_expander" in {expander.key for expander in app.expander}
    app.toggle(key="train_paused").set_value(True)
    app.button(key="train").click().run()
    assert not app.exception
    newest = queue.runs()[0]
    assert newest.experiment == experiment_from_fields(
        {"hidden": (7, 6), "dropout": 0.25, "seed": 5, "epochs": 3, "train_size": 5000}
    )


def test_a_lesson_link_asks_its_question_and_locks(version: Path) -> None:
    app = opened("train", link(version, "lesson"))
    assert "What does a second layer change?" in [text.value for text in app.text]
    locked = {name for name in ("seed", "epochs", "batch_size") if app.text_input(key=f"form_{name}").disabled}
    assert locked == {"seed", "epochs"}
    assert "rate_expander" not in {expander.key for expander in app.expander}


def test_a_link_to_draw_chooses_tab_and_models(version: Path) -> None:
    app = opened("draw", link(version, "draw"))
    assert app.multiselect(key="models_picked").value == ["drawing", "one-hidden"]
    state = app.session_state
    assert state["draw_tab"] == "photo"
    assert [state[f"photo_why_{part}"] for part in ("model", "digit", "rival")] == ["one-hidden", "3", "8"]


def test_a_link_to_a_run_shows_it(version: Path, queue: RunQueue) -> None:
    run = queue.get(FINISHED)
    assert run
    queue.describe(run, "The first", [SHARED])
    app = opened("train", {"run": FINISHED})
    assert any("The first" in subheader.value for subheader in app.subheader)
    assert app.query_params["run"] == FINISHED


def test_of_an_interrupted_run_of_other_versions_nothing_exact_is_promised(version: Path) -> None:
    app = opened("train", {"run": INTERRUPTED})
    assert app.button(key="run_take_up")
    (told,) = [info.value for info in app.info if "server stopped" in info.value]
    assert "may differ" in told and "exactly" not in told
