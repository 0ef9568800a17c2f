"""What several of the library's tests share."""

from collections.abc import Iterator

import pytest

from mlpcore.datasets import Dataset
from mlpcore.runs import RunQueue


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    """A queue of the test's own, which keeps nothing on the disk."""
    queue = RunQueue(load=lambda name: mnist, cores=2)
    yield queue
    queue.close()
