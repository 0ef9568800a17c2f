"""The multi-layer perceptron, and its costs: parameters, FLOPs, bytes."""

import math
from collections.abc import Mapping
from itertools import pairwise

import psutil
import torch
from torch import Tensor, nn

from mlpcore.experiment import PIXELS, Activation, Architecture, Experiment, InvalidExperiment, OptimizerName

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}

# Tensors of the parameters' shape that PyTorch's optimizers keep: first and second moments, or a momentum buffer.
_OPTIMIZER_COPIES: dict[OptimizerName, int] = {
    "adam": 2, "adamw": 2, "sgd": 0, "momentum": 1, "nesterov": 1, "rmsprop": 1, "adagrad": 1,
}  # fmt: skip
_FLOAT_BYTES = 4


class Dropout(nn.Module):
    """`torch.nn.Dropout` with its own generator.

    PyTorch's uses the global generator, so any other use of random numbers would change the training.
    """

    def __init__(self, p: float, generator: torch.Generator) -> None:
        super().__init__()
        self.p = p
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """float32 [N, D] → the same shape; in training, zeroes with probability `p` and scales the rest."""
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator).div_(1 - self.p)


class MLP(nn.Module):
    """A multi-layer perceptron: Flatten, then per hidden layer Linear → (BatchNorm) → activation → (Dropout), Linear.

    Args:
        architecture: sizes, and what is between the linear layers.
        generator: for the initial weights, on the CPU, so that they are the same on every device.
        dropout_generator: for the dropout masks, on the device where the model will be trained.
    """

    def __init__(
        self, architecture: Architecture, generator: torch.Generator, dropout_generator: torch.Generator
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = PIXELS
        for size in architecture.hidden:
            layers.append(_linear(inputs, size, generator))
            if architecture.batch_norm:
                layers.append(nn.BatchNorm1d(size))
            layers.append(ACTIVATIONS[architecture.activation]())
            if architecture.dropout:
                layers.append(Dropout(architecture.dropout, dropout_generator))
            inputs = size
        layers.append(_linear(inputs, architecture.sizes[-1], generator))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Images, float32 [N, 28, 28] → logits, float32 [N, 10]."""
        logits: Tensor = self.layers(images)
        return logits

    @property
    def linear_layers(self) -> list[nn.Linear]:
        """The layers with weights, from input to output."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def activations(self, images: Tensor) -> list[Tensor]:
        """Outputs of every hidden layer's activation, float32 [N, size] each, for float32 images [N, 28, 28]."""
        kinds = tuple(ACTIVATIONS.values())
        outputs, x = [], images
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, kinds):
                outputs.append(x)
        return outputs


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer with PyTorch's default initialisation, drawn from `generator`.

    Weights and biases are uniform in ±1/√inputs: `torch.nn.Linear.reset_parameters`, which can take no generator.
    """
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    bound = 1 / math.sqrt(inputs)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


def restored(architecture: Architecture, state: Mapping[str, Tensor]) -> MLP:
    """A network of the given shape with the weights of `state`, a state dict; on the CPU, in evaluation mode.

    Raises:
        RuntimeError: `state` does not match the architecture.
    """
    generator = torch.Generator()
    network = MLP(architecture, generator, generator)
    network.load_state_dict(state)
    return network.eval()


def parameter_count(architecture: Architecture) -> int:
    """Number of trained parameters: weights, biases, and batch norm's scales and shifts."""
    sizes = architecture.sizes
    linear = sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))
    return linear + (2 * sum(architecture.hidden) if architecture.batch_norm else 0)


def flops_per_image(architecture: Architecture) -> int:
    """Floating-point operations of the linear layers in one forward pass of one image (a multiply-add counts 2)."""
    sizes = architecture.sizes
    return 2 * sum(inputs * outputs for inputs, outputs in pairwise(sizes))


def model_bytes(architecture: Architecture) -> int:
    """Bytes of the trained parameters in float32."""
    return _FLOAT_BYTES * parameter_count(architecture)


def training_bytes(experiment: Experiment) -> int:
    """Approximate bytes needed for training: parameters, gradients, optimizer state, and the outputs for a batch."""
    architecture = experiment.architecture
    # The parameters, their gradients, a copy to measure the size of an update, and the optimizer's state. Early
    # stopping keeps the best ones so far.
    copies = 3 + _OPTIMIZER_COPIES[experiment.hyperparameters.optimizer]
    copies += experiment.hyperparameters.early_stopping > 0
    # Per layer: the weighted sums, the activations (and masks or normalised sums), and the gradients of both.
    per_layer = 4 + (2 if architecture.dropout else 0) + (2 if architecture.batch_norm else 0)
    # Images and the grid of two coordinates for sampling them; then thickness, noise and its smoothing.
    input_copies = {"none": 2, "affine": 6, "elastic": 9}[experiment.hyperparameters.augment]
    numbers_per_image = input_copies * PIXELS + per_layer * sum(architecture.sizes[1:])
    return copies * model_bytes(architecture) + _FLOAT_BYTES * experiment.batch_images * numbers_per_image


def check_fits_in_memory(experiment: Experiment, device: torch.device) -> None:
    """Refuses an experiment that does not fit into the free memory, before anything is allocated.

    Raises:
        InvalidExperiment: with the memory that it needs and what is free.
    """
    needed, free = training_bytes(experiment), free_bytes(device)
    if needed > free:
        raise InvalidExperiment(
            {
                "hidden": f"Training this model would take about {needed / 1e9:,.1f} GB of memory, and "
                f"{free / 1e9:,.1f} GB are free. Use smaller layers or a smaller batch size."
            }
        )


def free_bytes(device: torch.device) -> int:
    """Free memory on `device`, in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)
