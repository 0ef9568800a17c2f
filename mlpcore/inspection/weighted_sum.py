"""A single neuron's sum, w·x + b, split into its terms."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.layers import Model, Neuron, check_neuron


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """A neuron's sum for one image, as its largest terms, all others together, and the bias.

    Attributes:
        sources: int64 [K], where the largest terms come from, largest absolute value first: pixels (28 · row + column)
            for the first layer, neurons of the layer before for the others.
        inputs: x of these sources, float32 [K].
        weights: w of these sources, float32 [K].
        terms: w · x, float64 [K], none of them 0.
        rest: sum of all other terms.
        bias: b.
        total: the sum as the network computed it. It is Σ terms + rest + bias up to float32's rounding.
    """

    sources: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    terms: npt.NDArray[np.float64]
    rest: float
    bias: float
    total: float


def weighted_sum(model: Model, image: Tensor, neuron: Neuron, count: int) -> WeightedSum:
    """Splits a neuron's sum for `image`, uint8 [28, 28], into its terms.

    With batch norm, it is the input of batch norm, not yet that of the activation.

    Args:
        neuron: a hidden one, or an output, whose sum is a logit.
        count: how many terms to name at most; a blank pixel or a silent neuron adds nothing and is not named.

    Raises:
        ValueError: the model has no such neuron.
    """
    check_neuron(model, neuron)
    passed = forward_pass(model, image)
    linear = model.network.linear_layers[neuron.layer]
    inputs = passed.inputs_of(neuron.layer)
    weights = linear.weight[neuron.index].detach().cpu().numpy()
    terms = weights.astype(np.float64) * inputs
    ranking = np.argsort(-np.abs(terms), kind="stable")
    largest = ranking[: min(count, np.count_nonzero(terms))]
    return WeightedSum(
        sources=largest,
        inputs=inputs[largest],
        weights=weights[largest],
        terms=terms[largest],
        rest=float(terms[ranking[len(largest) :]].sum()),
        bias=linear.bias[neuron.index].item(),
        total=float(passed.sums_of(neuron.layer)[neuron.index]),
    )
