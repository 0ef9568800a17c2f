"""The same looks at the data in PyTorch and torchvision, as code to paste into a notebook.

Each text runs by itself, takes the images from a folder ``data``, and downloads them if they are not there.
"""

from mlpcore.exploration.batches import SEED
from mlpcore.exploration.pixels import Stage

_TRANSFORMS: dict[Stage, str] = {
    "raw": "transforms.PILToTensor()",
    "tensor": "transforms.Compose([transforms.ToTensor()])",
    "normalized": "transforms.Compose([transforms.ToTensor(), transforms.Normalize(({mean:.4f},), ({std:.4f},))])",
}


def browsing(train: bool, index: int, label: int | None) -> str:
    """Opens a set, finds the images of a digit if a `label` is given, and takes one image out."""
    find = f"""
rows = (data.targets == {label}).nonzero().flatten()
print(len(rows), "images of {label}, the first ones:", rows[:10].tolist())
"""
    return f"""\
from torchvision import datasets

data = datasets.MNIST("data", train={train}, download=True)
print(len(data), "images")
{"" if label is None else find}
image, label = data[{index}]  # a picture of Pillow's, and the digit that it shows
print(image.size, image.mode, "label", label)
image.resize((280, 280))
"""


def transforming(
    train: bool, index: int, stage: Stage, normalization: tuple[float, float], top: int, left: int, side: int
) -> str:
    """Takes an image through the transforms; prints a square of `side` pixels from `top` and `left`, and figures."""
    mean, std = normalization
    return f"""\
import torch
from torchvision import datasets, transforms

transform = {_TRANSFORMS[stage].format(mean=mean, std=std)}
data = datasets.MNIST("data", train={train}, download=True, transform=transform)

pixels, label = data[{index}]
print(pixels.shape, pixels.dtype)
torch.set_printoptions(precision=2, sci_mode=False, linewidth=120)
print(pixels[0, {top}:{top + side}, {left}:{left + side}])
print(pixels.min(), pixels.max(), pixels.double().mean(), pixels.double().std(correction=0))
"""


def whole_set(train: bool, label: int, count: int) -> str:
    """Counts the digits and computes mean, standard deviation, mean images, and which are close to theirs and far."""
    return f"""\
import torch
from torchvision import datasets

data = datasets.MNIST("data", train={train}, download=True)
pixels = data.data / 255
print("images per digit", data.targets.bincount().tolist())
print("mean and standard deviation", pixels.mean(), pixels.std(correction=0))

means = torch.stack([pixels[data.targets == digit].mean(dim=0) for digit in range(10)])

rows = (data.targets == {label}).nonzero().flatten()
distances = (pixels[rows] - means[{label}]).flatten(start_dim=1).norm(dim=1)
order = rows[distances.argsort()]
print("most typical", order[:{count}].tolist())
print("least typical", order.flip(0)[:{count}].tolist())
"""


def loading(batch_size: int, shuffle: bool, drop_last: bool, number: int) -> str:
    """Makes a DataLoader, says how many steps an epoch has, and takes batch `number`, counted from 1, of the first."""
    return f"""\
from itertools import islice

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

data = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
generator = torch.Generator().manual_seed({SEED})  # for the same order as here; leave it out for another each time
loader = DataLoader(data, batch_size={batch_size}, shuffle={shuffle}, drop_last={drop_last}, generator=generator)
print(len(loader), "steps per epoch")

images, labels = next(islice(loader, {number - 1}, None))
print(images.shape, images.dtype, labels.shape, labels.dtype)
print(labels)
"""


def two_epochs(batch_size: int) -> str:
    """The first batches of two epochs, without and with shuffling."""
    return f"""\
import torch
from torch.utils.data import DataLoader
from torchvision import datasets

data = datasets.MNIST("data", train=True, download=True)
first = {{}}
for shuffle in (False, True):
    generator = torch.Generator().manual_seed({SEED})
    # The images' numbers in place of the images: the same order in a fraction of the time.
    loader = DataLoader(range(len(data)), batch_size={batch_size}, shuffle=shuffle, generator=generator)
    for epoch in (1, 2):
        first[shuffle, epoch], *_ = loader
        print("shuffled" if shuffle else "as stored", epoch, data.targets[first[shuffle, epoch]].tolist())
"""
