"""Results are used again as far as they can be read, and only if the same versions and processor made them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlpcore.comparison.batch import Batch
from mlpcore.comparison.job import Jobs
from mlpcore.comparison.result_cache import ResultCache
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


def test_a_finished_run_is_used_again(kept: RunQueue) -> None:
    run = kept.submit(small())
    until(lambda: run.status.is_final, "it ends")
    cache = ResultCache(Jobs(), kept)
    assert small() in cache and small(seed=1) not in cache
    trained = cache.get(small())
    assert trained and run.outcome and trained.test.accuracy == run.outcome.test_accuracy
    assert trained.history.steps == run.step
    assert cache.get(small(seed=1)) is None


def test_a_run_that_other_versions_have_made_is_trained_again(kept: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    run = kept.submit(small())
    until(lambda: run.status.is_final, "it ends")
    monkeypatch.setattr(
        "mlpcore.comparison.result_cache.made_by", lambda: "mlpcore 2.0, torch 2.14.0, another processor"
    )
    cache = ResultCache(Jobs(), kept)
    assert small() not in cache
    assert cache.get(small()) is None


def test_a_run_of_unknown_origin_is_trained_again(queue: RunQueue) -> None:
    run = queue.submit(small())
    until(lambda: run.status.is_final, "it ends")
    run.made_by = None
    cache = ResultCache(Jobs(), queue)
    assert small() not in cache
    assert cache.get(small()) is None


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
    cache = ResultCache(Jobs(), kept)
    assert cache.get(small()) is None
    batch = Batch([small()], kept, cache=cache)
    batch.wait()
    (trained,) = batch.trained
    assert trained and trained.history.steps == run.step and trained.history.epochs
