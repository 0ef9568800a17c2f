"""Digits as somebody might draw them: the pen's way in a box of 100 by 100, x to the right, y down."""

import math

Points = list[tuple[float, float]]


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float, count: int = 24) -> Points:
    """Points on an ellipse from one angle to another, in degrees, clockwise on the screen from the right."""
    angles = [math.radians(start + (end - start) * n / (count - 1)) for n in range(count)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


DIGITS: dict[int, list[Points]] = {
    0: [_arc(50, 50, 27, 40, -80, 280)],
    1: [[(54, 10), (52, 50), (50, 90)]],
    2: [[*_arc(50, 33, 25, 23, -170, 40), (28, 88), (78, 88)]],
    3: [_arc(47, 30, 23, 20, -160, 90) + _arc(47, 70, 27, 20, -90, 150)],
    4: [[(40, 10), (24, 58), (78, 58)], [(64, 30), (61, 92)]],
    5: [[(72, 12), (36, 12), (31, 47), *_arc(49, 65, 25, 22, -130, 130)]],
    6: [[(66, 8), (44, 30), (32, 56), *_arc(51, 70, 20, 20, -170, 190)]],
    7: [[(24, 14), (78, 14), (44, 90)]],
    8: [_arc(50, 30, 19, 20, 90, -270) + _arc(50, 71, 23, 21, -90, 270)],
    9: [[*_arc(50, 32, 21, 21, -20, -360), (71, 34), (66, 62), (60, 92)]],
}


def canvas_json(digit: int, scale: float = 2.4, left: float = 30, top: float = 30) -> dict[str, object]:
    """What the canvas would send for a digit drawn on it: one path for each stroke."""
    objects = []
    for points in DIGITS[digit]:
        moved = [(left + scale * x, top + scale * y) for x, y in points]
        path: list[list[object]] = [["M", *moved[0]], *(["L", *point] for point in moved[1:])]
        xs, ys = zip(*moved, strict=True)
        objects.append(
            {
                "type": "path",
                "path": path,
                "strokeWidth": 16,
                "left": min(xs),
                "top": min(ys),
                "width": max(xs) - min(xs),
                "height": max(ys) - min(ys),
            }
        )
    return {"objects": objects}
