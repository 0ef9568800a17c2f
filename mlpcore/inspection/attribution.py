"""Which pixels speak for and against an answer: attribution by two methods that answer different questions.

What is explained is a logit, or the difference of two, never a probability: softmax mixes all classes, so the
probability of a 7 also rises where the evidence for every other digit falls (Simonyan, Vedaldi and Zisserman 2014,
https://arxiv.org/abs/1312.6034, explain unnormalised scores for this reason), and it hardly moves any more where a
model is sure. The difference of two logits is the logarithm of how many times likelier one digit is than the other.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlpcore.experiment import CLASSES
from mlpcore.models import TrainedModel

Method = Literal["occlusion", "integrated_gradients"]

_SIDE = 28
_INK = 255

_PATCH = 3
"""Pixels: about as wide as MNIST's pen."""

_STEPS = 100
"""From the blank image to this one. Votes then add up to what they should to about a tenth of a percent."""


@dataclass(frozen=True)
class Target:
    """What pixels vote on: the logit of `digit`, or how far it is ahead of the logit of `rival`.

    Raises:
        ValueError: there is no such digit, or it would be its own rival.
    """

    digit: int
    rival: int | None = None

    def __post_init__(self) -> None:
        for digit in (self.digit, self.rival):
            if digit is not None and digit not in range(CLASSES):
                raise ValueError(f"There is no digit {digit}: choose one from 0 to {CLASSES - 1}.")
        if self.digit == self.rival:
            raise ValueError(f"{self.digit} cannot be its own rival: choose two different digits.")

    def __str__(self) -> str:
        return str(self.digit) if self.rival is None else f"{self.digit} rather than {self.rival}"

    def of(self, logits: Tensor) -> Tensor:
        """The target's value in nats, [N], for logits [N, 10]."""
        own = logits[:, self.digit]
        return own if self.rival is None else own - logits[:, self.rival]


@dataclass(frozen=True)
class Account:
    """A method's name, what its votes mean, and where it was published."""

    title: str
    meaning: str
    source: str
    url: str


METHODS: dict[Method, Account] = {
    "occlusion": Account(
        title="Occlusion",
        meaning=f"Patches of {_PATCH}×{_PATCH} pixels are changed one by one: ink is erased, and empty places are "
        "filled with ink. The more a change hurts the answer, the more strongly that place votes for it, so a gap that "
        "has to stay empty votes, too.",
        source="after Zeiler and Fergus (2014), who slid a gray square over photos",
        url="https://arxiv.org/abs/1311.2901",
    ),
    "integrated_gradients": Account(
        title="Integrated gradients",
        meaning="The digit appears gradually on a blank image, and each pixel collects what its ink adds to the answer "
        "along the way. All votes add up to the total effect of the ink. Empty places have no vote.",
        source="Sundararajan, Taly and Yan (2017)",
        url="https://arxiv.org/abs/1703.01365",
    ),
}
"""The methods; the first is the default."""


def closest_contest(logits: Tensor) -> Target:
    """The answer rather than the runner-up, for a model's logits, float [10]."""
    answer, runner_up = logits.topk(2).indices.tolist()
    return Target(answer, runner_up)


def votes(model: TrainedModel, image: Tensor, target: Target, method: Method) -> npt.NDArray[np.float32]:
    """How strongly each pixel speaks for the target (above 0) or against it (below 0).

    The model is left as it is, its parameters' `.grad` included, and other threads may use it at the same time.

    Args:
        image: uint8 [28, 28].
        method: what a vote is depends on it. Take a patch of 3×3 pixels, and call its loss what the target loses when
            the patch is changed: target(image) − target(changed image).

            - "occlusion": (ink · e + (255 − ink) · p) / 255, where `ink` is the pixel, e the mean loss over the patches
              around it when they are erased (set to 0), p when they are painted over (set to 255). So ink answers for
              having been drawn, and an empty place for having been left empty.
            - "integrated_gradients": the integral of the target's gradient along the straight line from the blank image
              to this one, times the pixel's difference to blank. The votes add up to target(image) − target(blank
              image), and are 0 where there is no ink.

    Returns:
        float32 [28, 28], in nats (the unit of logits).
    """
    compute = _occlusion if method == "occlusion" else _integrated_gradients
    return compute(model, image, target).numpy()


def _occlusion(model: TrainedModel, image: Tensor, target: Target) -> Tensor:
    ink = image / _INK
    erased, painted = (_mean_loss(model, image, target, value) for value in (0, _INK))
    return ink * erased + (1 - ink) * painted


def _mean_loss(model: TrainedModel, image: Tensor, target: Target, value: int) -> Tensor:
    """What the target loses when a patch becomes `value`: per pixel the mean over its patches, float32 [28, 28]."""
    changed = torch.where(_PATCHES, value, image)
    differs = (changed != image).flatten(1).any(dim=1)
    losses = torch.zeros(len(_PATCHES))
    losses[differs] = target.of(model.logits(image.unsqueeze(0))) - target.of(model.logits(changed[differs]))
    return torch.einsum("p,pij->ij", losses, _PATCHES.float()) / _PATCHES.sum(dim=0)


def _patches() -> Tensor:
    """Every place of a patch in the image: bool [places, 28, 28]."""
    offsets = torch.arange(_SIDE) - torch.arange(_SIDE - _PATCH + 1).unsqueeze(1)
    inside = (offsets >= 0) & (offsets < _PATCH)
    return (inside[:, None, :, None] & inside[None, :, None, :]).flatten(0, 1)


_PATCHES = _patches()


def _integrated_gradients(model: TrainedModel, image: Tensor, target: Target) -> Tensor:
    # Takes a third of a second, since it imports matplotlib, too.
    from captum.attr import IntegratedGradients  # type: ignore[import-untyped]

    def value(inputs: Tensor) -> Tensor:
        return target.of(model.network(inputs))

    inputs, blank = (model.inputs(each.unsqueeze(0)) for each in (image, torch.zeros_like(image)))
    # Captum's usual rule, Gauss and Legendre's, is no more exact here and takes longer to find its nodes than all else.
    shares: Tensor = IntegratedGradients(value).attribute(
        inputs, baselines=blank, n_steps=_STEPS, method="riemann_middle"
    )
    return shares[0].detach().cpu()
