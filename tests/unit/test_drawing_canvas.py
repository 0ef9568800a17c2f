"""What the canvas sends to strokes: where they are seen, also after editing; and no harm from anything else."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpcore.drawing import Stroke, draw, strokes_from_canvas

# As fabric.js sends it: the middle of the path is at (60, 50), and the control points are not touched by the line.
PATH: list[Any] = [["M", 20, 20], ["Q", 100, 20, 100, 50], ["Q", 100, 80, 60, 80], ["L", 40, 80]]


def sent(**changes: object) -> dict[str, Any]:
    """The canvas with one stroke on it."""
    stroke = {"type": "Path", "path": PATH, "left": 60, "top": 50, "originX": "center", "originY": "center"}
    return {"version": "7.4.0", "objects": [stroke | {"strokeWidth": 4, "fill": None, "stroke": "#000"} | changes]}


def only(data: object) -> Stroke:
    (stroke,) = strokes_from_canvas(data)
    assert stroke.dtype == np.float64 and stroke.ndim == 2 and stroke.shape[1] == 2
    return stroke


ORIGINAL = only(sent())


def test_a_stroke_is_where_it_was_drawn() -> None:
    assert ORIGINAL[0].tolist() == [20, 20] and ORIGINAL[-1].tolist() == [40, 80]
    # Half of the first curve: a quarter of its ends and half of its control point.
    assert ORIGINAL[4].tolist() == [80, 27.5]
    assert [100, 50] in ORIGINAL.tolist() and [60, 80] in ORIGINAL.tolist()


def test_strokes_come_in_the_order_they_were_drawn() -> None:
    data = {"objects": sent()["objects"] + sent(path=[["M", 5, 5], ["L", 9, 9]], left=7, top=7)["objects"]}
    first, second = strokes_from_canvas(data)
    assert np.array_equal(first, ORIGINAL)
    assert second[[0, -1]].tolist() == [[5, 5], [9, 9]]


def test_a_path_that_jumps_is_several_strokes() -> None:
    path = [["M", 0, 0], ["L", 10, 0], ["M", 50, 50], ["L", 60, 50], ["M", 70, 70]]
    ends = [stroke[[0, -1]].tolist() for stroke in strokes_from_canvas(sent(path=path, left=30, top=25))]
    assert ends == [[[0, 0], [10, 0]], [[50, 50], [60, 50]]]


@pytest.mark.parametrize("kind", ["Path", "path"])
def test_older_canvases_write_the_type_small(kind: str) -> None:
    assert np.array_equal(only(sent(type=kind)), ORIGINAL)


def test_what_fabric_takes_for_granted_may_be_missing() -> None:
    assert np.array_equal(only({"objects": [{"type": "Path", "path": PATH}]}), ORIGINAL)


@pytest.mark.parametrize(
    ("changes", "first", "last"),
    [
        ({"left": 160, "top": 20}, (120, -10), (140, 50)),
        ({"scaleX": 2, "scaleY": 0.5}, (-20, 35), (20, 65)),
        ({"angle": 90}, (90, 10), (30, 30)),
        ({"flipX": True}, (100, 20), (80, 80)),
        ({"flipY": True}, (20, 80), (40, 20)),
        ({"angle": 180, "scaleX": 2, "left": 100}, (180, 80), (140, 20)),
        ({"skewX": 45}, (-10, 20), (70, 80)),
        ({"skewY": 45}, (20, -20), (40, 60)),
        ({"skewX": 45, "scaleX": 2}, (-80, 20), (80, 80)),
        # With these origins, left and top name a corner of the box around the ink: 42 and 32 from the middle.
        ({"originX": "left", "originY": "top"}, (62, 52), (82, 112)),
        ({"originX": "right", "originY": "bottom"}, (-22, -12), (-2, 48)),
        ({"originX": "left", "originY": "top", "scaleX": 2}, (64, 52), (104, 112)),
        ({"originX": "left", "originY": "top", "angle": 90}, (58, 52), (-2, 72)),
        ({"originX": "left", "skewX": 45}, (64, 20), (144, 80)),
    ],
    ids=str,
)
def test_what_was_done_in_edit_mode_is_applied(
    changes: dict[str, object], first: tuple[float, float], last: tuple[float, float]
) -> None:
    stroke = only(sent(**changes))
    assert stroke[0].tolist() == pytest.approx(first, abs=1e-9)
    assert stroke[-1].tolist() == pytest.approx(last, abs=1e-9)


def test_the_middle_of_a_curve_is_where_fabric_has_it() -> None:
    # A curve from (0, 0) to (80, 0) that bulges to y = 30. Fabric takes it for a cubic curve, which would bulge to 45,
    # so it has the middle at 22.5. Seen in its version 7.4, where a half turn lays the ends of this curve on y = 45.
    turned = only(sent(path=[["M", 0, 0], ["Q", 40, 60, 80, 0]], left=40, top=22.5, angle=180))
    assert turned[[0, -1]].tolist() == [pytest.approx([80, 45]), pytest.approx([0, 45], abs=1e-9)]
    assert turned[:, 1].min() == pytest.approx(15)


def test_editing_the_whole_drawing_does_not_change_the_image() -> None:
    image, turned = draw([ORIGINAL]), draw(strokes_from_canvas(sent(left=200, top=11, scaleX=2.5, scaleY=2.5)))
    assert image is not None and turned is not None
    assert (image.int() - turned.int()).abs().max() <= 1


def test_a_click_is_a_single_point() -> None:
    # So fabric sends it: a thousandth of the width to either side.
    click = [["M", 59.98, 50], ["L", 60.02, 50]]
    assert only(sent(path=click, strokeWidth=20)).tolist() == [[60, 50]]
    assert only(sent(path=click, strokeWidth=20, left=80, top=90, scaleX=3)).tolist() == [[80, 90]]
    shaky = [["M", 59, 50], ["Q", 61, 52, 60, 51], ["L", 61, 49]]
    assert len(only(sent(path=shaky, strokeWidth=20))) == 1
    assert len(only(sent(path=shaky, strokeWidth=2))) > 1


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Rect", "left": 3, "top": 4, "width": 50, "height": 60},
        {"type": "Circle", "radius": 20, "path": PATH},
        {"type": "Path", "path": [*PATH, ["Z"]]},
        {"type": "Path", "path": [["M", 1, 1], ["C", 1, 2, 3, 4, 5, 6]]},
        {"type": "Path", "path": [["M", 1, 1]]},
        {"type": "Path", "path": [["L", 1, 1], ["L", 2, 9]]},
        {"type": "Path", "path": []},
        {"type": "Path", "path": "M 0 0 L 9 9"},
        {"type": "Path"},
        {"path": PATH},
        {"type": ["Path"], "path": PATH},
        None,
        17,
        "Path",
        [["Path"]],
    ],
    ids=str,
)
def test_what_is_no_stroke_is_skipped(shape: object) -> None:
    assert np.array_equal(only({"objects": [shape, *sent()["objects"]]}), ORIGINAL)


@pytest.mark.parametrize("number", [math.nan, math.inf, -1e300, 10**400, "3", None, True, [3], {}], ids=repr)
@pytest.mark.parametrize("field", ["left", "top", "scaleX", "scaleY", "angle", "skewX", "skewY", "strokeWidth", "x"])
def test_an_object_with_an_impossible_number_is_skipped(field: str, number: object) -> None:
    changed = {"path": [["M", 1, 1], ["L", number, 2]]} if field == "x" else {field: number}
    assert strokes_from_canvas(sent(**changed)) == []


@pytest.mark.parametrize("origin", ["centre", None, 0.5, ["left"], {}], ids=repr)
def test_an_object_with_an_unknown_origin_is_skipped(origin: object) -> None:
    assert strokes_from_canvas(sent(originX=origin)) == []


@pytest.mark.parametrize("data", [None, {}, [], 3, "objects", {"objects": None}, {"objects": {"a": 1}}], ids=repr)
def test_no_drawing_has_no_strokes(data: object) -> None:
    assert strokes_from_canvas(data) == []


def test_deep_nesting_does_no_harm() -> None:
    nested: Any = {}
    for _ in range(100_000):
        nested = {"objects": [nested]}
    assert strokes_from_canvas(nested) == []
    assert strokes_from_canvas(sent(left=nested, path=[nested], type=nested)) == []


def test_of_endless_drawings_the_beginning_is_read() -> None:
    endless = [["M", 0, 0], *[["L", i % 100, i % 77] for i in range(100_000)]]
    assert 10_000 <= sum(map(len, strokes_from_canvas(sent(path=endless, left=50, top=40)))) <= 100_000
    many = strokes_from_canvas({"objects": sent()["objects"] * 50_000})
    assert len(many) == 2_000 and np.array_equal(many[-1], ORIGINAL)
    assert draw(many) is not None


NUMBERS = st.one_of(
    st.integers(-500, 500), st.floats(), st.sampled_from([0, -0.0, 1e6, -1e6, 90, 1e-320, 10**30, True, None, "1"])
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
COMMANDS = st.one_of(
    st.tuples(st.sampled_from("ML"), NUMBERS, NUMBERS).map(list),
    st.tuples(st.just("Q"), NUMBERS, NUMBERS, NUMBERS, NUMBERS).map(list),
    st.tuples(st.just("Q"), *[st.floats(-1e6, 1e6)] * 4).map(list),
    JSON,
)
FIELDS = ["left", "top", "scaleX", "scaleY", "angle", "skewX", "skewY", "strokeWidth", "width", "height", "pathOffset"]
OBJECTS = st.builds(
    lambda path, fields, rest: {"type": "Path", "path": path} | fields | rest,
    st.lists(COMMANDS, max_size=8),
    st.dictionaries(st.sampled_from(FIELDS), NUMBERS, max_size=4),
    st.dictionaries(st.sampled_from([*FIELDS, "flipX", "originX", "originY", "type", "path"]), JSON, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(JSON | st.fixed_dictionaries({"objects": JSON | st.lists(OBJECTS | JSON, max_size=4)}))
def test_anything_may_be_sent(data: object) -> None:
    strokes = strokes_from_canvas(data)
    for stroke in strokes:
        assert stroke.dtype == np.float64 and stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) >= 1
        assert np.isfinite(stroke).all()
    draw(strokes)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 400)] * 4), min_size=1, max_size=6),
    st.fixed_dictionaries({"angle": st.floats(-180, 180), "flipX": st.booleans(), "left": st.floats(-50, 450)}),
)
def test_moving_turning_and_flipping_keep_all_lengths(
    curves: list[tuple[int, ...]], changes: dict[str, object]
) -> None:
    path = [["M", 200, 200], *(["Q", *curve] for curve in curves)]
    before, after = only(sent(path=path, strokeWidth=0)), only(sent(path=path, **changes))
    if len(after) > 1:
        assert np.hypot(*np.diff(after, axis=0).T) == pytest.approx(np.hypot(*np.diff(before, axis=0).T), abs=1e-6)
