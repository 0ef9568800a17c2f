"""The forward pass of one image: every step is what the layer's formula gives, and the last is the model's answer."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

ARCHITECTURES: list[dict[str, Any]] = [
    {"hidden": ()},
    {"hidden": (24, 12), "normalize": True},
    {"hidden": (24, 12), "activation": "gelu", "batch_norm": True, "dropout": 0.4, "normalize": True},
]
FORMULAS: dict[str, Callable[..., torch.Tensor]] = {"relu": F.relu, "gelu": F.gelu}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("fields", ARCHITECTURES)
def test_every_layer_is_what_its_formula_gives(
    small: Callable[..., Experiment],
    train: Callable[..., tuple[Trainer, Result]],
    mnist: Dataset,
    fields: dict[str, Any],
) -> None:
    trainer, _ = train(small(**fields))
    model = Classifier(trainer.experiment, trainer.model.eval())
    image = mnist.test.images[0]
    passed = forward_pass(model, image)

    pixels = image.numpy().astype(np.float64).ravel() / 255
    expected = (pixels - mnist.mean) / mnist.std if model.experiment.data.normalize else pixels
    assert passed.flattened == pytest.approx(expected, abs=1e-5)

    state = {name: tensor.double().numpy() for name, tensor in model.network.state_dict().items()}
    linear = [name[: -len(".weight")] for name, tensor in state.items() if name.endswith("weight") and tensor.ndim == 2]
    assert [hidden.name for hidden in passed.hidden] == [f"Hidden layer {n}" for n in range(1, len(linear))]
    x = passed.flattened.astype(np.float64)
    for number, (name, hidden) in enumerate(zip(linear, passed.hidden, strict=False)):
        sums = state[f"{name}.weight"] @ x + state[f"{name}.bias"]
        assert hidden.sums.shape == (fields["hidden"][number],)
        assert hidden.sums == pytest.approx(sums, abs=1e-4)
        if fields.get("batch_norm"):
            norm = f"layers.{int(name.split('.')[1]) + 1}"
            spread = np.sqrt(state[f"{norm}.running_var"] + 1e-5)
            sums = (sums - state[f"{norm}.running_mean"]) / spread * state[f"{norm}.weight"] + state[f"{norm}.bias"]
            assert hidden.normalised == pytest.approx(sums, abs=1e-4)
        else:
            assert hidden.normalised is None
        x = FORMULAS[model.experiment.architecture.activation](torch.from_numpy(sums)).numpy()
        assert hidden.activations == pytest.approx(x, abs=1e-4)
        assert np.array_equal(passed.inputs_of(number + 1), hidden.activations)
        assert np.array_equal(passed.sums_of(number), hidden.sums)
    assert np.array_equal(passed.inputs_of(0), passed.flattened)
    assert np.array_equal(passed.sums_of(len(passed.hidden)), passed.logits)
    assert np.array_equal(passed.logits, model.logits(image.unsqueeze(0))[0].numpy())


def test_softmax_is_filled_in_with_the_logits_of_this_image(small: Callable[..., Experiment], mnist: Dataset) -> None:
    passed = forward_pass(untrained(small()), mnist.test.images[3])
    exponentials = [math.exp(z) for z in passed.logits.tolist()]
    assert passed.softmax.exponentials == pytest.approx(exponentials)
    assert passed.softmax.total == pytest.approx(sum(exponentials))
    assert passed.softmax.probabilities == pytest.approx(np.array(exponentials) / sum(exponentials))
    for true in range(10):
        assert passed.cross_entropy(true) == pytest.approx(-math.log(exponentials[true] / sum(exponentials)))


def test_an_untrained_model_loses_about_ln_10(small: Callable[..., Experiment], mnist: Dataset) -> None:
    model = untrained(small(hidden=(512, 256)))
    losses = [
        forward_pass(model, image).cross_entropy(int(label))
        for image, label in zip(mnist.test.images[:50], mnist.test.labels[:50], strict=True)
    ]
    assert np.mean(losses) == pytest.approx(math.log(10), abs=0.03)


def test_logits_far_beyond_what_exp_can_take_still_have_probabilities_and_a_loss(
    small: Callable[..., Experiment], mnist: Dataset
) -> None:
    passed = replace(
        forward_pass(untrained(small()), mnist.test.images[0]), logits=np.array([2000] * 2 + [0] * 8, np.float32)
    )
    assert passed.softmax.total == math.inf
    assert passed.softmax.probabilities == pytest.approx([0.5, 0.5, *[0] * 8])
    assert passed.cross_entropy(0) == pytest.approx(math.log(2))
    assert passed.cross_entropy(9) == pytest.approx(2000 + math.log(2))


@pytest.mark.parametrize("true", [-1, 10])
def test_a_class_that_there_is_not_is_refused(small: Callable[..., Experiment], mnist: Dataset, true: int) -> None:
    passed = forward_pass(untrained(small()), mnist.test.images[0])
    with pytest.raises(ValueError, match=f"There is no class {true}: choose one from 0 to 9"):
        passed.cross_entropy(true)
