"""One training step under the microscope is the step that the training loop takes."""

import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment, OptimizerName
from mlpcore.inspection.single_step import BINS, single_step
from mlpcore.inspection.workbench import untrained
from mlpcore.training import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

VARIANTS: list[dict[str, Any]] = [
    {"optimizer": optimizer, "hidden": (16, 8)} for optimizer in get_args(OptimizerName)
] + [{"hidden": (16,), "dropout": 0.5, "batch_norm": True, "normalize": True}, {"hidden": ()}]


@pytest.fixture
def batch(mnist: Dataset) -> Images:
    return Images(mnist.train.images[:64], mnist.train.labels[:64])


@pytest.fixture
def former(mnist: Dataset) -> Images:
    return Images(mnist.train.images[64:128], mnist.train.labels[64:128])


@pytest.mark.parametrize("fields", VARIANTS)
def test_it_is_the_first_step_of_the_training_loop(
    small: Callable[..., Experiment], mnist: Dataset, fields: dict[str, Any]
) -> None:
    trainer = Trainer(small(order="stored", **fields), mnist)
    start = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    next(trainer)
    rows = trainer.train_rows[:64]
    found = single_step(untrained(trainer.experiment), Images(mnist.train.images[rows], mnist.train.labels[rows]))

    assert found.loss == trainer.history.losses[0]
    assert found.logits.shape == (64, 10)
    logits, labels = torch.from_numpy(found.logits), mnist.train.labels[rows]
    assert F.cross_entropy(logits, labels).item() == pytest.approx(found.loss)

    assert len(found.layers) == len(trainer.model.linear_layers)
    of_network = dict(trainer.model.named_parameters())
    assert sum(layer.parameters for layer in found.layers) == sum(map(Tensor.numel, of_network.values()))
    expected = {
        "gradient": [parameter.grad for parameter in of_network.values()],
        "norm": [start[name] for name in of_network],
        "change": [parameter.detach() - start[name] for name, parameter in of_network.items()],
    }
    for quantity, tensors in expected.items():
        whole = math.hypot(*(tensor.norm().item() for tensor in tensors if tensor is not None))
        assert math.hypot(*(getattr(layer, quantity) for layer in found.layers)) == pytest.approx(whole, rel=1e-4)
    assert all(layer.gradient_left is None and layer.gradient_cleared is None for layer in found.layers)


def test_a_small_step_lowers_the_loss_on_the_same_batch_even_with_dropout(
    small: Callable[..., Experiment], batch: Images
) -> None:
    for seed in range(10):
        model = untrained(small(optimizer="sgd", learning_rate=0.01, dropout=0.5, hidden=(64, 64), seed=seed))
        found = single_step(model, batch)
        # As far as the slope promises: with other masks it would be off by some hundredths.
        promised = 0.01 * sum(layer.gradient**2 for layer in found.layers)
        assert found.loss - found.loss_after == pytest.approx(promised, rel=0.2)


def test_zero_grad_clears_what_the_former_batch_left_unless_it_is_forgotten(
    small: Callable[..., Experiment], batch: Images, former: Images
) -> None:
    model = untrained(small(optimizer="sgd", learning_rate=1e-6))
    clean = single_step(model, batch)
    alone = single_step(model, former)
    after = single_step(model, batch, former)
    forgotten = single_step(model, batch, former, forget_zero_grad=True)
    for number, layer in enumerate(after.layers):
        left = alone.layers[number].gradient
        assert layer.gradient_left == pytest.approx(left)
        assert layer.gradient_cleared is None
        # The former step was next to nothing, so the gradient is the one that it would have been without.
        assert layer.gradient == pytest.approx(clean.layers[number].gradient, rel=1e-3)
        piled = forgotten.layers[number]
        assert piled.gradient_left == piled.gradient_cleared == pytest.approx(left)
        assert layer.gradient < piled.gradient < layer.gradient + left


def test_the_optimizer_remembers_the_former_batch(
    small: Callable[..., Experiment], batch: Images, former: Images
) -> None:
    model = untrained(small(optimizer="momentum", learning_rate=1e-4))
    new, experienced = single_step(model, batch), single_step(model, batch, former)
    for one, other in zip(new.layers, experienced.layers, strict=True):
        assert other.gradient == pytest.approx(one.gradient, rel=0.05)
        assert other.change > 1.3 * one.change


def test_the_histogram_counts_every_number_of_the_gradient(small: Callable[..., Experiment], batch: Images) -> None:
    found = single_step(untrained(small(hidden=(16, 8))), batch)
    for layer in found.layers:
        counts, edges = layer.histogram.counts, layer.histogram.edges
        assert counts.shape == (BINS,) and edges.shape == (BINS + 1,)
        assert counts.sum() == layer.parameters
        assert counts[0] + counts[-1] > 0
        assert edges == pytest.approx(-edges[::-1])
        centres = (edges[1:] + edges[:-1]) / 2
        # The norm from the bins' centres is about the norm.
        half = edges[1] - centres[0]
        from_bins = np.sqrt((counts * centres**2).sum())
        assert abs(from_bins - layer.gradient) < half * math.sqrt(layer.parameters)
    blank = single_step(untrained(small(hidden=(16, 8))), Images(torch.zeros_like(batch.images), batch.labels)).layers[
        0
    ]
    # No ink, no gradient for any weight of the first layer: all but the 16 biases lie around 0.
    assert blank.histogram.counts[BINS // 2] >= 784 * 16


def test_a_step_far_too_large_ends_in_figures_and_not_in_an_error(
    small: Callable[..., Experiment], batch: Images, former: Images
) -> None:
    model = untrained(small(hidden=(32, 32), optimizer="rmsprop", learning_rate=100.0, epochs=1))
    for _ in range(2):
        found = single_step(model, batch, former)
        assert found.loss > 1e6
    exploding = untrained(small(hidden=(32, 32)))
    with torch.no_grad():
        for parameter in exploding.network.parameters():
            parameter.fill_(1e30)
    found = single_step(exploding, batch)
    assert not math.isfinite(found.loss)
    assert all(layer.histogram.counts.sum() < layer.parameters for layer in found.layers)


def test_a_single_image_is_refused_where_there_is_batch_norm(small: Callable[..., Experiment], batch: Images) -> None:
    one = Images(batch.images[:1], batch.labels[:1])
    assert single_step(untrained(small()), one).logits.shape == (1, 10)
    with pytest.raises(ValueError, match="A batch of 1 is not possible"):
        single_step(untrained(small(batch_norm=True)), one)
