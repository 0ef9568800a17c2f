"""My digits: drawings that somebody kept, with what they really were."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import torch
from torch import Tensor

from mlpcore.drawing import Stroke
from mlpcore.experiment import CLASSES

MAX_DIGITS = 500
"""Digits in one collection; a page that shows more would be slow."""

HELD_OUT_EVERY = 3
"""Every third drawing is never learned from, so that it can tell how well a model does on new ones."""


@dataclass(frozen=True, eq=False)
class Digit:
    """A drawing and what it was.

    Attributes:
        image: uint8 [28, 28], as the models see it.
        strokes: the pen's way on the canvas; empty for a photo.
        label: 0 to 9, as its owner says.
        date: when it was kept, in UTC.
        held_out: never learned from, only for scoring.
    """

    image: Tensor
    strokes: tuple[Stroke, ...]
    label: int
    date: datetime
    held_out: bool


class Collection:
    """One person's digits, in the order in which they were kept."""

    def __init__(self) -> None:
        self.digits: tuple[Digit, ...] = ()
        self._kept = 0

    @property
    def is_full(self) -> bool:
        """Whether no more digits can be kept."""
        return len(self.digits) >= MAX_DIGITS

    def keep(self, image: Tensor, strokes: Sequence[Stroke], label: int) -> Digit:
        """Adds a drawing, uint8 [28, 28]; every third is held out from learning for good.

        Raises:
            ValueError: the label is not a digit from 0 to 9, or the collection is full.
        """
        if not 0 <= label < CLASSES:
            raise ValueError(f"{label} is no digit: it is one from 0 to {CLASSES - 1}.")
        if self.is_full:
            raise ValueError(f"{MAX_DIGITS} digits are kept already: delete some, or export and delete all.")
        self._kept += 1
        held_out = self._kept % HELD_OUT_EVERY == 0
        digit = Digit(image.clone(), tuple(stroke.copy() for stroke in strokes), label, datetime.now(UTC), held_out)
        self.digits = (*self.digits, digit)
        return digit

    def delete(self, digit: Digit) -> None:
        """Removes a digit, if it is there."""
        self.digits = tuple(other for other in self.digits if other is not digit)

    def clear(self) -> None:
        """Removes all digits."""
        self.digits = ()

    def to_json(self) -> str:
        """All digits as JSON: a list of objects with `label`, `date` (ISO 8601), `held_out`, `strokes` and `image`."""
        return json.dumps(
            [
                {
                    "label": digit.label,
                    "date": digit.date.isoformat(timespec="seconds"),
                    "held_out": digit.held_out,
                    "strokes": [stroke.round(2).tolist() for stroke in digit.strokes],
                    "image": digit.image.tolist(),
                }
                for digit in self.digits
            ]
        )


def as_tensors(digits: Sequence[Digit]) -> tuple[Tensor, Tensor]:
    """Images, uint8 [N, 28, 28], and labels, int64 [N], of at least one digit."""
    return torch.stack([digit.image for digit in digits]), torch.tensor([digit.label for digit in digits])
