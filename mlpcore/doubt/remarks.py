"""What is odd about a drawing itself, whatever the models answer.

The models know ten digits and cannot say "none of these". So a small network, the detector, looks at every drawing
first: it was trained to tell one digit from several digits and from random strokes (`mlpcore.doubt.teaching`). It warns
where it is more certain that this is not a single digit than for all but 1 in 200 of MNIST's digits.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage
from torch import Tensor

from mlpcore.doubt.detector import Kind, bundled

Oddity = Literal["empty", "dot", "several-digits", "unlike-digits"]

_SENTENCES: dict[Oddity, str] = {
    "empty": "There is no ink here. The models cannot say “nothing”: this is what each of them answers to a blank "
    "sheet. Draw a digit from 0 to 9.",
    "dot": "This is no more than a dot, or a few dots. The models learned from whole digits and never saw dots, so "
    "their answers mean nothing here. Draw a digit from 0 to 9.",
    "several-digits": "This looks more like several digits than like one. The models were trained on single digits, so "
    "each gives one answer for all of it. Draw one at a time.",
    "unlike-digits": "This looks unlike the digits that the models learned from. They have never seen letters, shapes "
    "or scribbles and cannot say “none of these”: each names the digit that it finds most similar.",
}


SHORTEST = 9
"""Pixels: each of MNIST's 60,000 training digits has a connected part that is at least as wide or as high."""


@dataclass(frozen=True)
class Remark:
    """Something that a person should know before believing an answer.

    Attributes:
        kind: what was noticed.
        sentence: the same in words, and what it means.
    """

    kind: Oddity
    sentence: str


def remarks(image: Tensor) -> list[Remark]:
    """Warnings about a drawing, uint8 [28, 28]: none for most digits, one for most other drawings.

    Digits get one by mistake, about 1.5 % of pen-drawn ones, and letters often get none, since many pass for a digit:
    `benchmarks.doubt` prints the shares.
    """
    kind = _oddity(image)
    return [Remark(kind, _SENTENCES[kind])] if kind else []


def _oddity(image: Tensor) -> Oddity | None:
    detector = bundled()
    extent = _extent(image)
    if extent == 0:
        return "empty"
    if extent < detector.smallest or _longest_part(image) < SHORTEST:
        return "dot"
    match detector.kinds(image.unsqueeze(0)):
        case [Kind.SEVERAL]:
            return "several-digits"
        case [Kind.OTHER]:
            return "unlike-digits"
    return None


def _extent(image: Tensor) -> int:
    """Width or height of the ink in pixels, whichever is larger."""
    rows_and_columns = (np.flatnonzero(image.numpy().any(axis=axis)) for axis in (0, 1))
    return max(int(np.ptp(places)) + 1 if len(places) else 0 for places in rows_and_columns)


def _longest_part(image: Tensor) -> int:
    """Width or height in pixels, whichever is larger, of the largest piece of ink that hangs together."""
    parts, _ = ndimage.label(image.numpy(), np.ones((3, 3)))
    return max(int(side.stop - side.start) for box in ndimage.find_objects(parts) for side in box)
