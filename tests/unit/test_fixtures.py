"""What an earlier version left on the disk: this one opens it, shows it, and goes on with it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlpcore.cli import main
from mlpcore.datasets import Dataset
from mlpcore.imports import Imported
from mlpcore.models import load
from mlpcore.runs import Run, RunQueue, Status
from mlpcore.store import Store
from tests.fixtures.make_fixtures import FAILED, FINISHED, INTERRUPTED, LONGER, STEPS, TINY
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_thread")

VERSIONS = sorted(path for path in (Path(__file__).parents[1] / "fixtures").iterdir() if (path / "runs").is_dir())


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a version left: `runs`, `model.safetensors` and `links.json`."""
    return Path(shutil.copytree(request.param, tmp_path / "left"))


@pytest.fixture
def queue(left: Path, mnist: Dataset) -> Iterator[RunQueue]:
    queue = RunQueue(load=lambda name: mnist, cores=1, store=Store(left / "runs"))
    yield queue
    queue.close()


def get(queue: RunQueue, run_id: str) -> Run:
    run = queue.get(run_id)
    assert run
    return run


def test_every_run_is_listed(queue: RunQueue) -> None:
    assert queue.unsaved is None
    assert {run.id: (run.number, run.owner, run.status, run.step, run.made_by) for run in queue.runs()} == {
        FINISHED: (1, "ann", Status.FINISHED, TINY.total_steps, None),
        INTERRUPTED: (2, "ann", Status.INTERRUPTED, STEPS, None),
        FAILED: (1, "", Status.FAILED, 1, None),
    }
    assert get(queue, FAILED).error == "Some sentence."
    assert get(queue, FAILED).history.steps == 1
    assert queue.submit(TINY, "ann", paused=True).number == 3


def test_a_finished_run_has_all_that_belongs_to_it(queue: RunQueue, mnist: Dataset) -> None:
    run = get(queue, FINISHED)
    assert (run.title, run.tags, run.note) == ("The first", ("kept", "small"), "Made for tests.\nOf two lines.")
    assert run.experiment == TINY
    assert (run.history.steps, len(run.history.epochs)) == (TINY.total_steps, 2)
    assert run.result and run.model and run.outcome
    assert run.result.test.accuracy == run.outcome.test_accuracy
    model = load(queue._store.folder / FINISHED / "model.safetensors")  # type: ignore[union-attr]
    answers = model.logits(mnist.test.images).argmax(dim=1)
    # Another machine may round the last bits another way.
    assert (answers == mnist.test.labels).float().mean().item() == pytest.approx(run.outcome.test_accuracy, abs=2e-3)


def test_an_interrupted_run_is_resumed_to_its_end(queue: RunQueue) -> None:
    run = get(queue, INTERRUPTED)
    assert run.experiment == LONGER
    before = run.history.losses.tobytes()
    assert run.history.steps == STEPS
    queue.resume(run)
    until(lambda: run.status.is_final, "it ends")
    assert (run.status, run.step, run.unsaved, run.error) == (Status.FINISHED, LONGER.total_steps, None, None)
    assert run.history.losses[:STEPS].tobytes() == before
    assert run.made_by is None, "two versions took part"
    assert run.result and run.model


def test_the_command_line_resumes_it_as_well(
    left: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLPLAB_HOME", str(left / "runs"))
    assert main(["resume", INTERRUPTED[:8], "--json"]) == 0
    said = capsys.readouterr()
    assert f"after step {STEPS}" in said.err
    assert json.loads(said.out)["run_id"] == INTERRUPTED


def test_a_model_file_is_imported(left: Path) -> None:
    imported = Imported(left / "models")
    model_id = imported.add(left / "model.safetensors")
    model = imported.get(model_id)
    assert (model.title, model.experiment) == ("A tiny model", TINY)
    assert imported.title(model_id) == "A tiny model"
