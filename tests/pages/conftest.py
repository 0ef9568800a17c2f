"""What the tests of all pages share."""

from collections.abc import Iterator

import pytest

from mlpcore import runs
from mlpcore.datasets import Dataset
from mlpcore.runs import RunQueue


@pytest.fixture
def queue(mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunQueue]:
    """A queue of the test's own in place of the process's."""
    queue = RunQueue(load=lambda name: mnist, cores=2)
    monkeypatch.setattr(runs, "queue", queue)
    yield queue
    queue.close()
