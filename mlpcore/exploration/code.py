"""What the Data page shows, as PyTorch and torchvision code to paste into a notebook.

Each text runs on its own. It reads the images from a folder ``data`` and downloads them if they are not there.
"""

from mlpcore.exploration.batches import SEED
from mlpcore.exploration.pixels import Stage

_TRANSFORMS: dict[Stage, str] = {
    "raw": "transforms.PILToTensor()",
    "tensor": "transforms.Compose([transforms.ToTensor()])",
    "normalized": "transforms.Compose([transforms.ToTensor(), transforms.Normalize(({mean:.4f},), ({std:.4f},))])",
}


def browsing(train: bool, index: int, label: int | None) -> str:
    """Loads a set, finds the images of a digit if a `label` is given, and picks one image."""
    find = f"""
rows = (data.targets == {label}).nonzero().flatten()
print(len(rows), "images of {label}, the first ten:", rows[:10].tolist())
"""
    return f"""\
from torchvision import datasets

data = datasets.MNIST("data", train={train}, download=True)
print(len(data), "images")
{"" if label is None else find}
image, label = data[{index}]  # a Pillow image and the digit that it shows
print(image.size, image.mode, "label", label)
image.resize((280, 280))
"""


def transforming(
    train: bool, index: int, stage: Stage, normalization: tuple[float, float], top: int, left: int, side: int
) -> str:
    """Applies the transforms to an image; prints `side` × `side` pixels from `top` and `left`, and statistics."""
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
    """Counts the digits; computes mean, standard deviation, mean images, and the most and least typical images."""
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
    """Creates a DataLoader, prints the steps per epoch, and loads batch `number`, counted from 1, of epoch 1."""
    return f"""\
from itertools import islice

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

data = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
generator = torch.Generator().manual_seed({SEED})  # the same order as in MLP Lab; leave it out for a new one
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
    # The indices instead of the images give the same order in a fraction of the time.
    loader = DataLoader(range(len(data)), batch_size={batch_size}, shuffle=shuffle, generator=generator)
    for epoch in (1, 2):
        first[shuffle, epoch], *_ = loader
        print("shuffled" if shuffle else "as stored", epoch, data.targets[first[shuffle, epoch]].tolist())
"""
