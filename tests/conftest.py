"""What many tests share: MNIST, a small experiment to change, and a way to train it to its end."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from mlpcore import datasets
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.training import Finished, Result, Trainer

# The machine may be busy, so no example has a time limit; nothing is kept in the working tree.
settings.register_profile("mlp-lab", deadline=None, database=None)
settings.load_profile("mlp-lab")


class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Side by side, a file's tests stay on one worker, since they share what they have trained.

    Those in a browser make one group for every two workers: so few servers and browsers start, and each has a core of
    its own. (The marks of ``--dist loadgroup`` would say the same, but pytest-xdist 3.8 loses them with pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if "browser/" not in file:
            return file
        return f"browser {zlib.crc32(file.encode()) % max(1, self.numnodes // 2)}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)


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
