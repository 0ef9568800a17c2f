"""What streamlit-drawable-canvas sends → strokes, where they are seen on the canvas.

It sends fabric.js objects. The `path` of a stroke stays as drawn while the toolbar's edit mode moves, scales and turns
the object, so the object's transform is applied here as fabric.js 7 does it (`calcOwnMatrix` and what that calls).
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from mlpcore.drawing.strokes import Stroke

MAX_COMMANDS = 10_000
"""Path commands that are read, of all strokes together. A pen sends about 60 a second: no digit has as many."""

MAX_NUMBER = 1e6
"""Far beyond any canvas, in pixels."""

CURVE_STEPS = 8
"""Points that stand for one curve. It spans two neighbouring mouse events, so it is short and nearly straight."""

DOT = 0.25
"""A stroke whose extent is below this share of its width is seen as a dot, and meant as one."""

_ORIGINS = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}
_COORDINATES = {"M": 2, "L": 2, "Q": 4}
"""The commands of a pen's path, and the numbers that each takes."""

_Array = npt.NDArray[np.float64]


class _NoStroke(ValueError):
    """An object on the canvas that is no pen stroke, or that makes no sense."""


def strokes_from_canvas(json_data: object) -> list[Stroke]:
    """The strokes on a canvas, in its pixels, in the order they were drawn.

    Args:
        json_data: what `st_canvas` returned as `json_data`, or anything else: it may come from anybody. What is no
            stroke is skipped, and so is all that follows the first 10,000 objects and path commands.
    """
    objects = json_data.get("objects") if isinstance(json_data, Mapping) else None
    strokes: list[Stroke] = []
    budget = MAX_COMMANDS
    for item in objects if isinstance(objects, list) else []:
        if budget <= 0:
            break
        path = item.get("path") if isinstance(item, Mapping) else None
        commands = path[:budget] if isinstance(path, list) else []
        budget -= 1 + len(commands)
        with suppress(_NoStroke):
            strokes += _strokes(item, commands)
    return strokes


def _strokes(item: object, commands: Sequence[object]) -> list[Stroke]:
    """The strokes of one object, which is one unless its path jumps."""
    kind = item.get("type") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(kind, str) or kind.lower() != "path":
        raise _NoStroke
    lines = [np.array(curves) for curves in _curves(commands) if curves]
    if not lines:
        raise _NoStroke
    low, high = _bounds(np.concatenate(lines))
    width = _number(item, "strokeWidth", 1.0)
    matrix, centre = _transform(item, low, high, width)
    if (high - low).max() < DOT * width:
        return [centre[None]]
    return [(_points(curves) - (low + high) / 2) @ matrix.T + centre for curves in lines]


def _curves(commands: Sequence[object]) -> list[list[tuple[list[float], list[float], list[float]]]]:
    """For each line without a jump its curves: start, control point, end. A straight line has its middle as control."""
    lines: list[list[tuple[list[float], list[float], list[float]]]] = []
    here: list[float] = []
    for command in commands:
        name, *numbers = command if isinstance(command, list) and command else [None]
        if not isinstance(name, str) or len(numbers) != _COORDINATES.get(name):
            raise _NoStroke
        *control, x, y = (_checked(number) for number in numbers)
        if name == "M":
            lines.append([])
        elif not lines:
            raise _NoStroke
        else:
            lines[-1].append((here, control or [(here[0] + x) / 2, (here[1] + y) / 2], [x, y]))
        here = [x, y]
    return lines


def _points(curves: _Array) -> Stroke:
    """Points along curves [K, 3, 2] that follow each other."""
    t = (np.arange(1, CURVE_STEPS + 1) / CURVE_STEPS)[None, :, None]
    start, control, end = (curves[:, None, i] for i in range(3))
    along = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    return np.concatenate([curves[:1, 0], along.reshape(-1, 2)])


def _bounds(curves: _Array) -> tuple[_Array, _Array]:
    """Smallest and largest x and y of curves [K, 3, 2], as fabric.js has them.

    It takes a quadratic curve for a cubic one with the control point twice, which bulges further. Such a curve,
    c + (1 - t)³ (start - c) + t³ (end - c), turns back where (1 - t)² (start - c) = -t² (end - c)·(-1), that is at
    t = √|start - c| / (√|start - c| + √|end - c|), if both ends lie on the same side of c.
    """
    start, control, end = curves[:, 0], curves[:, 1], curves[:, 2]
    before, after = start - control, end - control
    turns = before * after > 0
    roots = np.sqrt(np.abs(before)), np.sqrt(np.abs(after))
    t = np.divide(roots[0], roots[0] + roots[1], out=np.zeros_like(before), where=turns)
    turn = np.where(turns, control + (1 - t) ** 3 * before + t**3 * after, end)
    points = np.concatenate([start, turn, end])
    return points.min(axis=0), points.max(axis=0)


def _transform(item: Mapping[str, object], low: _Array, high: _Array, width: float) -> tuple[_Array, _Array]:
    """The object's matrix [2, 2] around the middle of its path, and where that middle is on the canvas, [2]."""
    middle = (low + high) / 2
    angle, skew_x, skew_y = (math.radians(_number(item, name, 0.0)) for name in ("angle", "skewX", "skewY"))
    scale = np.array([_number(item, "scaleX", 1.0), _number(item, "scaleY", 1.0)])
    flip = np.array([-1.0 if item.get("flipX") is True else 1.0, -1.0 if item.get("flipY") is True else 1.0])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    skew = np.array([[1, math.tan(skew_x)], [0, 1]]) @ np.array([[1, 0], [math.tan(skew_y), 1]])
    # `left` and `top` belong to a point of the box around the object, in which its line's width counts.
    box = np.abs(scale[:, None] * skew) @ (high - low + width)
    origin = np.array([_origin(item, "originX"), _origin(item, "originY")])
    place = np.array([_number(item, "left", middle[0]), _number(item, "top", middle[1])])
    return turn @ ((scale * flip)[:, None] * skew), place - turn @ (origin * box)


def _origin(item: Mapping[str, object], name: str) -> float:
    origin = item.get(name, "center")
    if not isinstance(origin, str) or origin not in _ORIGINS:
        raise _NoStroke
    return _ORIGINS[origin]


def _number(item: Mapping[str, object], name: str, default: float) -> float:
    return _checked(item.get(name, default))


def _checked(value: object) -> float:
    # Comparing also refuses what is not a number, and whole numbers too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
        raise _NoStroke
    return float(value)
