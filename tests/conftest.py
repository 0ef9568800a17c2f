"""What many tests share: MNIST, a small experiment to change, and a way to train it to its end."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from mlpcore import datasets
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.training import Finished, Result, Trainer

# The machine may be busy, so no example has a time limit; nothing is kept in the working tree.
settings.register_profile("mlp-lab", deadline=None, database=None)
settings.load_profile("mlp-lab")


EVIDENCE = Path(os.environ.get("MLPLAB_TEST_EVIDENCE") or Path(__file__).parent.parent / "test-results")
"""What failed browser tests have left."""


def pytest_configure(config: pytest.Config) -> None:
    """Side by side each worker has one core, and PyTorch's threads would wait for one another."""
    if hasattr(config, "workerinput"):
        torch.set_num_threads(1)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forgets what failed last time, in the process that starts the workers."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(EVIDENCE, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the runs of the tests, so that nobody's own are touched; what the tests start inherits it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLPLAB_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return datasets.load("mnist")


@pytest.fixture
def small() -> Callable[..., Experiment]:
    """Makes an experiment that trains in a fraction of a second: two epochs of 10 steps; any field may be given."""

    def make(**fields: object) -> Experiment:
        usual: dict[str, object] = {
            "hidden": (32,), "train_size": 640, "validation": 200, "epochs": 2, "device": "cpu",
        }  # fmt: skip
        return experiment_from_fields({**usual, **fields})

    return make


@pytest.fixture
def train(mnist: Dataset) -> Callable[..., tuple[Trainer, Result]]:
    """Trains an experiment to its end, on MNIST unless another dataset is given."""

    def run(experiment: Experiment, dataset: Dataset = mnist) -> tuple[Trainer, Result]:
        trainer = Trainer(experiment, dataset)
        *_, last = trainer
        assert isinstance(last, Finished)
        return trainer, last.result

    return run


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread for PyTorch, so that tests side by side do not wait for each other; as it was afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
