"""How well the gradient of a few images agrees with the gradient of all images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore.datasets import Images
from mlpcore.evaluation import CHUNK
from mlpcore.inspection.layers import Model
from mlpcore.threads import one_thread


@dataclass(frozen=True, eq=False)
class Agreement:
    """Gradients of random batches compared with the gradient of all images, at the same weights.

    Attributes:
        sizes: images in a batch.
        cosines: of the angle between a batch's gradient and that of all images, float64 [sizes, batches]: 1 where both
            point the same way, 0 at a right angle (and where one of them is 0), below 0 where they are opposed.
        norm: Euclidean norm of the gradient of all images.
    """

    sizes: tuple[int, ...]
    cosines: npt.NDArray[np.float64]
    norm: float


def agreement(
    model: Model,
    images: Images,
    sizes: Sequence[int],
    batches: int,
    generator: torch.Generator,
    working: Callable[[float], None],
) -> Agreement:
    """Compares the gradients of random batches with the gradient of all `images`.

    A gradient is that of the mean cross-entropy with respect to all parameters, of the model in evaluation mode: with
    batch norm or dropout it is not exactly the gradient that training uses.

    Args:
        model: its parameters' `.grad` are left alone.
        sizes: images in a batch, each from 1 to the number of images.
        batches: how many of each size.
        generator: draws the images of a batch, none twice, on the CPU.
        working: told after every 1,000 images at most what share of the work is done, 0 to 1; what it raises ends the
            work.

    Raises:
        ValueError: a size is not possible.
    """
    count = len(images.labels)
    for size in sizes:
        if not 1 <= size <= count:
            raise ValueError(f"A batch of {size:,} is not possible: give 1 to {count:,} images.")
    all_images = count + batches * sum(sizes)
    done = 0

    def gradient(rows: Tensor) -> Tensor:
        nonlocal done
        total = torch.zeros((), dtype=torch.float64)
        for chunk in rows.split(CHUNK):
            total = total + _summed_gradient(model, images, chunk)
            done += len(chunk)
            working(done / all_images)
        return total / len(rows)

    with one_thread():
        whole = gradient(torch.arange(count))
        cosines = [
            [
                F.cosine_similarity(gradient(torch.randperm(count, generator=generator)[:size]), whole, dim=0).item()
                for _ in range(batches)
            ]
            for size in sizes
        ]
    return Agreement(tuple(sizes), np.array(cosines).reshape(len(sizes), batches), whole.norm().item())


def _summed_gradient(model: Model, images: Images, rows: Tensor) -> Tensor:
    """The gradient of the sum of some images' losses, float64 [parameters] on the CPU."""
    with torch.enable_grad():
        logits = model.network(model.inputs(images.images[rows]))
        loss = F.cross_entropy(logits, images.labels[rows].to(logits.device), reduction="sum")
        gradients = torch.autograd.grad(loss, list(model.network.parameters()))
    # By way of the CPU, since Apple's MPS knows no float64.
    return torch.cat([gradient.flatten() for gradient in gradients]).cpu().double()
