"""What was trained before is used again, as far as it can be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlpcore.comparison.batch import Batch
from mlpcore.comparison.job import Jobs
from mlpcore.comparison.known import Known
from mlpcore.datasets import Dataset
from mlpcore.runs import RunQueue
from mlpcore.store import Store
from tests.small_runs import small
from tests.waiting import until


@pytest.fixture
def kept(mnist: Dataset, tmp_path: Path) -> Iterator[RunQueue]:
    """A queue that keeps its runs."""
    queue = RunQueue(load=lambda name: mnist, cores=2, store=Store(tmp_path / "runs"))
    yield queue
    queue.close()


def test_a_finished_run_is_known(kept: RunQueue) -> None:
    run = kept.submit(small())
    until(lambda: run.status.is_final, "it ends")
    known = Known(Jobs(), kept)
    assert small() in known and small(seed=1) not in known
    trained = known.get(small())
    assert trained and run.outcome and trained.test.accuracy == run.outcome.test_accuracy
    assert trained.history.steps == run.step
    assert known.get(small(seed=1)) is None


@pytest.mark.parametrize("file", ["history", "result"])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_run_that_cannot_be_read_is_trained_again(file: str, damage: str, kept: RunQueue, tmp_path: Path) -> None:
    run = kept.submit(small())
    until(lambda: run.status.is_final, "it ends")
    path = tmp_path / "runs" / run.id / f"{file}.safetensors"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:50])
    known = Known(Jobs(), kept)
    assert known.get(small()) is None
    batch = Batch([small()], kept, known=known)
    batch.wait()
    (trained,) = batch.trained
    assert trained and trained.history.steps == run.step and trained.history.epochs
