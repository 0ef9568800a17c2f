"""The tutorial's own training loop, as its reader would type it: what `mlpcore.training` is measured against.

Real PIL images through torchvision's `ToTensor`, a real `DataLoader`, plain layers, plain Adam.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor, nn, optim
from torch.utils.data import DataLoader

from mlpcore.torchvision_shim import torchvision

BATCH_SIZE = 64
LEARNING_RATE = 0.001


def make_loader(root: Path, batches: Sequence[list[int]] | None = None) -> DataLoader[tuple[Tensor, Tensor]]:
    """The tutorial's training images from `root`, shuffled in batches of 64, or in the batches of rows given."""
    transform = torchvision.transforms.Compose([torchvision.transforms.ToTensor()])
    images = torchvision.datasets.MNIST(root=root, train=True, transform=transform)
    if batches is not None:
        return DataLoader(images, batch_sampler=batches)
    return DataLoader(images, batch_size=BATCH_SIZE, shuffle=True)


def make_model(hidden: Sequence[int]) -> nn.Sequential:
    """Flatten, a linear layer with ReLU for each hidden size, and a linear layer with 10 outputs."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = 28 * 28
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ReLU()]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def make_optimizer(model: nn.Module) -> optim.Optimizer:
    """Adam as the tutorial has it."""
    return optim.Adam(model.parameters(), lr=LEARNING_RATE)


def train_epoch(model: nn.Module, loader: Iterable[tuple[Tensor, Tensor]], optimizer: optim.Optimizer) -> list[float]:
    """One pass over the loader; returns the loss of every step (the tutorial prints their mean)."""
    loss_function = nn.CrossEntropyLoss()
    model.train()
    losses = []
    for images, labels in loader:
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
