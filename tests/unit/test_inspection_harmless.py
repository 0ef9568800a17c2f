"""Looking inside a model leaves no trace: not on the model, not on the images, not on anybody's random numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment
from mlpcore.inspection.ablation import evaluation_without
from mlpcore.inspection.accumulation import halves, training_loop
from mlpcore.inspection.binary import ask_yes_or_no
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.influence import contributions, linear_map
from mlpcore.inspection.layers import Model, Neuron
from mlpcore.inspection.modes import in_both_modes
from mlpcore.inspection.optimizer_updates import pytorch_rates, updates
from mlpcore.inspection.projection import plane, stages
from mlpcore.inspection.single_step import single_step
from mlpcore.inspection.weighted_sum import weighted_sum
from mlpcore.inspection.workbench import untrained, with_dropout
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

Look = Callable[[Model, Dataset], object]

pytestmark = pytest.mark.usefixtures("one_thread")


def batch(mnist: Dataset, number: int) -> Images:
    rows = slice(64 * number, 64 * (number + 1))
    return Images(mnist.train.images[rows], mnist.train.labels[rows])


LOOKS: dict[str, Look] = {
    "forward pass": lambda model, mnist: forward_pass(model, mnist.test.images[0]),
    "weighted sum": lambda model, mnist: weighted_sum(model, mnist.test.images[0], Neuron(1, 2), 5),
    "contributions": lambda model, mnist: contributions(model, mnist.test.images[0], 0, 7),
    "linear map": lambda model, mnist: linear_map(model, mnist.test.images[0], Neuron(1, 2)),
    "ablation": lambda model, mnist: evaluation_without(
        model, mnist.test.images[:200], mnist.test.labels[:200], {Neuron(0, 1)}
    ),
    "single step": lambda model, mnist: single_step(model, batch(mnist, 0), batch(mnist, 1)),
    "training loop": lambda model, mnist: training_loop(model, [batch(mnist, 0), batch(mnist, 1)], True),
    "halves": lambda model, mnist: halves(model, batch(mnist, 0)),
    "updates": lambda model, mnist: updates(model, batch(mnist, 0), pytorch_rates()),
    "modes": lambda model, mnist: in_both_modes(model, mnist.test.images[0], mnist.train.images[:50], 3, seed=0),
    "dropout put in": lambda model, mnist: with_dropout(model, 0.3).logits(mnist.test.images[:5]),
    "planes": lambda model, mnist: [plane(values) for values in stages(model, mnist.test.images[:100])],
    "yes or no": lambda model, mnist: ask_yes_or_no(mnist, 3, seed=1).sigmoid(mnist.test.images[:5]),
    "untrained": lambda model, mnist: untrained(model.experiment).logits(mnist.test.images[:5]),
}


@pytest.fixture
def model(small: Callable[..., Experiment], train: Callable[..., tuple[Trainer, Result]]) -> Model:
    trainer, _ = train(small(hidden=(16, 8), batch_norm=True, dropout=0.5))
    return Classifier(trainer.experiment, trainer.model.eval())


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_everything_is_left_as_it_was(model: Model, mnist: Dataset, look: Look) -> None:
    first, *others = model.network.parameters()
    first.grad = torch.full_like(first, 3)
    for parameter in others:
        parameter.grad = None
    state = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    shared = [mnist.test.images[:200], mnist.train.images[:200], mnist.train.labels[:200]]
    copies = [tensor.clone() for tensor in shared]
    drawn, drawn_by_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    threads = torch.get_num_threads()

    look(model, mnist)

    assert torch.equal(first.grad, torch.full_like(first, 3))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in others)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.network.state_dict().items())
    assert not any(module.training for module in model.network.modules())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.network.modules())
    assert all(torch.equal(tensor, copied) for tensor, copied in zip(shared, copies, strict=True))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert (np.random.get_state()[1] == drawn_by_numpy).all()  # type: ignore[index]  # noqa: NPY002
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_two_looks_see_the_same_and_so_do_looks_side_by_side(model: Model, mnist: Dataset, look: Look) -> None:
    def one_look(_: int) -> list[object]:
        torch.set_num_threads(1)
        return numbers(look(model, mnist))

    alone = one_look(0)
    assert one_look(0) == alone
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(one_look, range(3)):
            assert found == alone


def numbers(thing: object) -> list[object]:
    """All that a result holds, in plain Python, so that equal results are equal."""
    if is_dataclass(thing):
        return [number for field in fields(thing) for number in numbers(getattr(thing, field.name))]
    if isinstance(thing, list | tuple):
        return [number for each in thing for number in numbers(each)]
    if isinstance(thing, np.ndarray | torch.Tensor):
        return [str(thing.shape), *np.asarray(thing).ravel().tolist()]
    return [thing]
