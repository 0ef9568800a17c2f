"""My digits: saved drawings with their labels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import torch
from torch import Tensor

from mlpcore.drawing import Stroke
from mlpcore.experiment import CLASSES

MAX_DIGITS = 500
"""Digits in one collection; a page that shows more would be slow."""

MAX_POINTS = 2000
"""Points kept of a drawing's strokes, many times what a digit needs; longer ones are thinned."""

HELD_OUT_EVERY = 3
"""Every third drawing is never trained on, so that it shows how well a model does on new ones."""


@dataclass(frozen=True, eq=False)
class Digit:
    """A drawing and its label.

    Attributes:
        number: counts the digits of the collection, from 1.
        image: uint8 [28, 28], as the models see it.
        strokes: the pen strokes on the canvas; empty for a photo.
        label: 0 to 9, chosen by its owner.
        date: when it was saved, in UTC.
        held_out: used for scoring only, never for training.
    """

    number: int
    image: Tensor
    strokes: tuple[Stroke, ...]
    label: int
    date: datetime
    held_out: bool


class Collection:
    """One person's digits, in the order in which they were saved."""

    def __init__(self) -> None:
        self.digits: tuple[Digit, ...] = ()
        self._kept = 0
        # Also of deleted images: what a copy was trained on must not score it later.
        self._held_out: dict[bytes, bool] = {}

    @property
    def is_full(self) -> bool:
        """Whether no more digits can be saved."""
        return len(self.digits) >= MAX_DIGITS

    def find(self, image: Tensor) -> Digit | None:
        """The digit with exactly this image, if it is saved."""
        return next((digit for digit in self.digits if torch.equal(digit.image, image)), None)

    def keep(self, image: Tensor, strokes: Sequence[Stroke], label: int) -> Digit:
        """Saves a drawing, uint8 [28, 28]; if it is saved already, only its label changes.

        Every third new drawing is held out from training, and stays held out even if it is deleted and saved again.

        Raises:
            ValueError: the label is not a digit from 0 to 9, or the collection is full.
        """
        if not 0 <= label < CLASSES:
            raise ValueError(f"{label} is not a digit from 0 to {CLASSES - 1}.")
        if known := self.find(image):
            relabelled = replace(known, label=label)
            self.digits = tuple(relabelled if digit is known else digit for digit in self.digits)
            return relabelled
        if self.is_full:
            raise ValueError(f"{MAX_DIGITS} digits are saved already: delete some, or export and delete all.")
        self._kept += 1
        held_out = self._held_out.setdefault(image.numpy().tobytes(), (len(self._held_out) + 1) % HELD_OUT_EVERY == 0)
        digit = Digit(self._kept, image.clone(), _thinned(strokes), label, datetime.now(UTC), held_out)
        self.digits = (*self.digits, digit)
        return digit

    def delete(self, digit: Digit) -> None:
        """Removes a digit, if it is there."""
        self.digits = tuple(other for other in self.digits if other.number != digit.number)

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


def _thinned(strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
    step = -(-sum(map(len, strokes)) // MAX_POINTS) or 1
    return tuple(np.concatenate([stroke[:-1:step], stroke[-1:]]) for stroke in strokes[:MAX_POINTS])


def as_tensors(digits: Sequence[Digit]) -> tuple[Tensor, Tensor]:
    """Images, uint8 [N, 28, 28], and labels, int64 [N], of at least one digit."""
    return torch.stack([digit.image for digit in digits]), torch.tensor([digit.label for digit in digits])
