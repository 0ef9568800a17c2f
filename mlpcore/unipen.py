"""UNIPEN files of pen-drawn digits → labelled strokes.

The format is I. Guyon et al., *UNIPEN project of on-line data exchange and recognizer benchmarks*, ICPR 1994: keywords
with a dot in the first column, each followed by its arguments up to the next keyword. What is read here:

- ``.SEGMENT DIGIT 6-7 ? "4"``: the ink up to the next segment is a 4. The numbers of its strokes (``6-7``) are not
  used, so that a part cut out of a file can be read as well.
- ``.COMMENT 4 12 224`` in a segment: the digit once more, its writer, and something else.
- ``.PEN_DOWN``, then points up to the next keyword; y grows upwards. ``.COORD X Y T`` says what else belongs to one.

All else is passed over: other segments, files to include, pen movements in the air, comments in words.
"""

import io
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # so that a mistake in a file is answered before PyTorch is there
    from mlpcore.drawing import Stroke

MAX_BYTES = 10_000_000
"""Some 20,000 digits. While it is read, a file takes up to 65 times its size in memory."""

MAX_COORDINATE = 1e6
"""Far beyond any tablet, in its own units."""

UNKNOWN = "unknown"
"""The writer of digits that name none."""

_KEYWORD = re.compile(r"\.[A-Za-z]\w*")  # not a number such as .5
_LABEL = re.compile(r'"([^"]*)"\s*$')
_WRITER = re.compile(r"\s*[0-9]+\s+([0-9]{1,20})(?:\s|$)")


class InvalidInk(ValueError):
    """A file that holds no digits that can be read; the message is the sentence to show."""


@dataclass(eq=False)
class PenDigit:
    """A digit as it was written on a tablet.

    Attributes:
        label: what it is, 0 to 9.
        writer: whose hand it is, a number as text; `UNKNOWN` if the file does not say.
        strokes: y down, in the tablet's units; empty if the file has no ink for it.
    """

    label: int
    writer: str = UNKNOWN
    strokes: "list[Stroke]" = field(default_factory=list)


@dataclass(frozen=True)
class _Block:
    """A keyword with its arguments: the rest of its line, and the lines up to the next keyword, numbered from 1."""

    keyword: str
    lines: list[tuple[int, str]]

    @property
    def number(self) -> int:
        return self.lines[0][0]

    @property
    def first(self) -> str:
        return self.lines[0][1]


def read(path: Path) -> list[PenDigit]:
    """The digits of a UNIPEN file, in its order; at least one.

    Raises:
        InvalidInk: the file cannot be read or is too large, or its content is not possible (see `parse`).
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InvalidInk(
                f"more than {MAX_BYTES:,} bytes, about 20,000 digits, would take too much "
                "memory and time: split the file between two segments."
            )
        return parse(content)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})."
    except ValueError as error:
        problem = str(error)
    raise InvalidInk(f"{path}: {problem}")


def parse(content: bytes) -> list[PenDigit]:
    """The digits in the bytes of a UNIPEN file, which need not be well-formed; at least one.

    Raises:
        InvalidInk: there are no digits, or most of them have no ink; or, with the line, a label is no digit, a point is
            incomplete, not finite, too far out or on no stroke, or the file ends within a stroke.
    """
    # ASCII is all that the format needs. Comments may have other letters in any encoding: they do not matter.
    text = content.decode("utf-8-sig", errors="replace")
    digits: list[PenDigit] = []
    current: PenDigit | None = None
    axes = ["X", "Y"]
    for block in _blocks(text):
        match block.keyword:
            case ".COORD":
                axes = _axes(block)
            case ".SEGMENT":
                current = _digit(block)
                digits += [current] if current else []
            case ".COMMENT" if current and current.writer == UNKNOWN:
                named = _WRITER.match(block.first)
                current.writer = named[1] if named else UNKNOWN
            case ".PEN_DOWN" if current:
                current.strokes += _strokes(block, axes)
        if current and block.keyword in (".SEGMENT", ".DT"):
            _check_nothing_follows(block)
    if block.keyword == ".PEN_DOWN":
        raise InvalidInk(
            f"it ends within the stroke that starts in line {block.number:,}: part of the file is missing."
        )
    _check_ink(digits)
    return digits


def _blocks(text: str) -> Iterator[_Block]:
    """The keywords of a file, after what stands before the first one, if anything does."""
    block = _Block("", [(1, "")])
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if keyword := _KEYWORD.match(line):
            yield block
            block = _Block(keyword[0], [(number, line[keyword.end() :])])
        else:
            block.lines.append((number, line))
    yield block


def _axes(block: _Block) -> list[str]:
    axes = [name for _, text in block.lines for name in text.split()]
    if not {"X", "Y"} <= set(axes):
        raise InvalidInk(f"line {block.number:,}: .COORD must include X and Y.")
    return axes


def _digit(block: _Block) -> PenDigit | None:
    """The digit that a segment announces; None if it is a segment of another kind."""
    if block.first.split()[:1] != ["DIGIT"]:
        return None
    label = _LABEL.search(block.first)
    if label is None or label[1] not in tuple("0123456789"):
        shown = reprlib.repr(label[1]) if label else "none"
        raise InvalidInk(f'line {block.number:,}: the label of a digit is "0" to "9" in quotes, not {shown}.')
    return PenDigit(int(label[1]))


def _strokes(block: _Block, axes: list[str]) -> "list[Stroke]":
    """The stroke, or none if the pen went down without a point."""
    numbers: list[float] = []
    for line, text in block.lines:
        words = text.split()
        if len(words) % len(axes):
            raise InvalidInk(
                f"line {line:,}: a point is {len(axes)} numbers ({reprlib.repr(' '.join(axes))}), "
                f"and this line has {len(words):,}."
            )
        numbers += [_coordinate(word, line) for word in words]
    points = np.array(numbers, dtype=np.float64).reshape(-1, len(axes))
    flipped = points[:, [axes.index("X"), axes.index("Y")]] * (1.0, -1.0)
    return [flipped] if len(flipped) else []


def _coordinate(word: str, line: int) -> float:
    try:
        number = float(word) if "_" not in word else np.nan
    except ValueError:
        number = np.nan
    if not abs(number) <= MAX_COORDINATE:
        raise InvalidInk(
            f"line {line:,}: {reprlib.repr(word)} is not a coordinate, a number within ±{MAX_COORDINATE:,.0f}."
        )
    return number


def _check_nothing_follows(block: _Block) -> None:
    for line, text in block.lines[1:]:
        if text.strip():
            raise InvalidInk(
                f"line {line:,}: {reprlib.repr(text.strip())} belongs to no stroke: "
                "points follow a line with .PEN_DOWN."
            )


def _check_ink(digits: list[PenDigit]) -> None:
    if not digits:
        raise InvalidInk(
            'it contains no digits. Expected a UNIPEN file in ASCII with lines such as .SEGMENT DIGIT 0 ? "8" '
            "followed by strokes after .PEN_DOWN."
        )
    empty = sum(not digit.strokes for digit in digits)
    if 2 * empty > len(digits):
        raise InvalidInk(
            f"{empty:,} of its {len(digits):,} digits have no ink: strokes follow the .SEGMENT to which they belong."
        )
