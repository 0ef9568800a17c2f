"""The code beside the planes: every text runs by itself, as pasted, and finds the same points."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from mlpcore import datasets
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.plane_code import projecting, two_neurons
from mlpcore.inspection.projection import plane, stages
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier, Score, TrainedModel, save
from mlpcore.torchvision_shim import torchvision
from mlpcore.training import Result, Trainer

Namespace = dict[str, Any]
Train = Callable[..., tuple[Trainer, Result]]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def beside_the_data(mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder like a reader's, with the images below `data`; whoever would download them fails."""
    (tmp_path / "data").symlink_to(datasets.data_folder(), target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPLAB_DATA", raising=False)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [])


@pytest.fixture(autouse=True)
def drawn_by_chance_as_before() -> Iterator[None]:
    """The seed of the process's generator is put back."""
    with torch.random.fork_rng():
        yield


def run(text: str) -> Namespace:
    namespace: Namespace = {}
    exec(compile(text, "<snippet>", "exec"), namespace)
    return namespace


def same_up_to_signs(found: torch.Tensor, expected: np.ndarray[Any, Any]) -> bool:
    signs = np.sign((found.numpy() * expected).sum(axis=0))
    return np.allclose(found.numpy() * signs, expected, atol=0.01)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_projecting_a_trained_model(
    stage: int, small: Callable[..., Experiment], train: Train, mnist: Dataset, tmp_path: Path
) -> None:
    trainer, result = train(small(hidden=(24, 12), batch_norm=True, dropout=0.2, normalize=True))
    model = TrainedModel("one", trainer.experiment, trainer.model.eval(), Score.of(result.test))
    save(model, tmp_path / "model.safetensors")
    namespace = run(projecting(model, stage, 20))
    expected = plane(stages(model, mnist.test.images[::20])[stage])
    assert same_up_to_signs(namespace["points"], expected.points)
    assert namespace["shares"][:2].numpy() == pytest.approx(expected.shares, rel=1e-3)
    assert namespace["labels"].equal(mnist.test.labels[::20])


def test_projecting_before_training(small: Callable[..., Experiment], mnist: Dataset) -> None:
    model = untrained(small(hidden=(24,), seed=3))
    namespace = run(projecting(model, 1, 20))
    assert same_up_to_signs(namespace["points"], plane(stages(model, mnist.test.images[::20])[1]).points)


def test_two_neurons(small: Callable[..., Experiment], train: Train, mnist: Dataset) -> None:
    experiment = small(hidden=(16, 2), activation="tanh", batch_norm=True, learning_rate=0.01, epochs=3)
    namespace = run(two_neurons(experiment, 50))
    trainer, _ = train(experiment)
    model = Classifier(experiment, trainer.model.eval())
    with torch.no_grad():
        *_, points = model.network.activations(model.inputs(mnist.test.images[::50]))
        x, y = namespace["places"][[150, 20]]
        answer = model.network.linear_layers[-1](torch.stack([x, y])).argmax()
    torch.testing.assert_close(namespace["points"], points, atol=1e-4, rtol=0)
    assert namespace["answers"].equal(model.logits(mnist.test.images[::50]).argmax(dim=1))
    assert namespace["regions"][20, 150] == answer


def test_the_last_line_is_the_picture(small: Callable[..., Experiment]) -> None:
    """A notebook shows what its last line gives."""
    text = projecting(untrained(small(hidden=(8,))), 0, 100)
    before, _, last = text.rpartition("go.Figure(")
    figure = run(f"{before}figure = go.Figure({last}")["figure"]
    assert isinstance(figure, go.Figure)
    assert len(figure.data[0].x) == 100
