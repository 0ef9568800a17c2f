"""What many tests share: MNIST, a small experiment to change, and a way to train it to its end."""

import os
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


WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
CORES_FOR_A_BROWSER = 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, a file's tests stay together, since they share what they have trained.

    Those in a browser make one group for every two workers: so few servers and browsers start, and none of them has its
    core taken by another.
    """
    groups = max(1, WORKERS // CORES_FOR_A_BROWSER)
    in_browser = sorted({item.path for item in items if item.path.parent.name == "browser"})
    for item in items:
        name = f"browser {in_browser.index(item.path) % groups}" if item.path in in_browser else str(item.path)
        item.add_marker(pytest.mark.xdist_group(name))


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
