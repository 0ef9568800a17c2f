"""One image's forward pass: the output of each layer, the probabilities and the loss."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlpcore.experiment import CLASSES
from mlpcore.inspection.layers import Model, layers

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HiddenLayer:
    """The values of one hidden layer for one image.

    Attributes:
        name: e.g. ``Hidden layer 1``.
        sums: the pre-activations, weighted sums plus biases, float32 [size].
        normalised: batch norm's output, float32 [size]; None without batch norm.
        activations: what the next layer gets, float32 [size].
    """

    name: str
    sums: Floats
    normalised: Floats | None
    activations: Floats


@dataclass(frozen=True, eq=False)
class Softmax:
    """The steps from logits z to probabilities, P_i = exp z_i / Σ exp z_j.

    Attributes:
        exponentials: exp z, float64 [10]; infinite where z is above 709, the most that a float64 can take.
        total: their sum.
        probabilities: float64 [10], adding up to 1. Right for any logits: PyTorch takes the largest off all of them
            first, which cancels out.
    """

    exponentials: npt.NDArray[np.float64]
    total: float
    probabilities: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """One image's way through a model in evaluation mode.

    Attributes:
        flattened: the pixels as the model takes them, normalized if the model expects that, row by row: float32 [784].
        hidden: the hidden layers in turn; none for a linear classifier.
        logits: float32 [10].
    """

    flattened: Floats
    hidden: tuple[HiddenLayer, ...]
    logits: Floats

    def inputs_of(self, layer: int) -> Floats:
        """The input of a layer with weights, counted from 0: the pixels or the previous layer's activations."""
        return [self.flattened, *(hidden.activations for hidden in self.hidden)][layer]

    def sums_of(self, layer: int) -> Floats:
        """The weighted sums plus biases of a layer with weights, counted from 0; of the last one, the logits."""
        return [*(hidden.sums for hidden in self.hidden), self.logits][layer]

    @property
    def softmax(self) -> Softmax:
        """The logits turned into probabilities."""
        logits = torch.from_numpy(self.logits).double()
        exponentials = logits.exp()
        return Softmax(exponentials.numpy(), exponentials.sum().item(), F.softmax(logits, dim=0).numpy())

    def cross_entropy(self, true: int) -> float:
        """The loss if the image shows class `true`: −ln P of that class, in nats.

        Raises:
            ValueError: there is no such class.
        """
        if true not in range(CLASSES):
            raise ValueError(f"There is no class {true}: choose one from 0 to {CLASSES - 1}.")
        return F.cross_entropy(torch.from_numpy(self.logits).double(), torch.tensor(true)).item()


def forward_pass(model: Model, image: Tensor) -> ForwardPass:
    """Walks the forward pass of `image`, uint8 [28, 28], module by module of the network itself.

    The logits are the model's own, bit for bit. Several threads may use the same model at once.
    """
    with torch.no_grad():
        x = flattened = model.inputs(image.unsqueeze(0)).flatten(1)
        *hidden_layers, output = layers(model.network)
        hidden = []
        for number, layer in enumerate(hidden_layers, start=1):
            sums = layer[0](x)
            normalised = _row(layer[1](sums)) if isinstance(layer[1], nn.BatchNorm1d) else None
            x = layer(x)
            hidden.append(HiddenLayer(f"Hidden layer {number}", _row(sums), normalised, _row(x)))
        return ForwardPass(_row(flattened), tuple(hidden), _row(output(x)))


def _row(batch_of_one: Tensor) -> Floats:
    row: Floats = batch_of_one[0].cpu().numpy()
    return row
