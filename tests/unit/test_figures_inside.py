"""Figures of the inside of a model: they show the numbers they are given, in the right place and colour."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plotly.colors import hex_to_rgb

from mlpcore.figures import inside
from mlpcore.figures.style import AGAINST, FOR
from mlpcore.inspection.accumulation import Loop
from mlpcore.inspection.optimizer_updates import Update
from mlpcore.inspection.single_step import Histogram, LayerStep
from mlpcore.inspection.weighted_sum import WeightedSum


def array(*values: float) -> inside.Floats:
    return np.array(values, np.float32)


def layer_step(left: float | None, gradient: float, change: float) -> LayerStep:
    counts, edges = np.histogram([-1.0, 0.0, 0.0, 1.0], 41, (-1, 1))
    return LayerStep(4, left, None, gradient, Histogram(counts, edges), 2.0, change)


class TestStrip:
    def test_every_row_is_drawn_on_its_own_scale_and_tells_its_own_numbers(self) -> None:
        figure = inside.strip({"sums": array(-4, 2), "activations": array(0, 1)}, "neuron")
        (cells,) = figure.data
        np.testing.assert_allclose(cells.z, np.array([[-1, 0.5], [0, 1]]))
        assert cells.customdata.tolist() == [["−4", "2"], ["0", "1"]]
        assert cells.y[0] == "sums<br>up to ±4"

    def test_the_chosen_neuron_is_marked(self) -> None:
        figure = inside.strip({"sums": array(1, 2, 3)}, "neuron", selected=2)
        (mark,) = figure.layout.shapes
        assert mark.x0 < 2 < mark.x1

    def test_a_silent_layer_and_infinite_numbers_are_drawn_as_well(self) -> None:
        assert np.all(inside.strip({"sums": array(0, 0)}, "neuron").data[0].z == 0)
        assert inside.strip({"sums": array(np.inf, 2)}, "neuron").data[0].z[0][1] == 1


class TestSignedPicture:
    def test_what_is_wanted_is_orange_and_what_is_not_blue_and_nothing_is_clear(self) -> None:
        weights = np.zeros((28, 28), np.float32)
        weights[0, 0], weights[0, 1] = 2, -1
        picture = inside.signed_picture(weights, 28)
        assert tuple(picture[0, 0]) == (*hex_to_rgb(FOR), 255)
        assert tuple(picture[0, 1]) == (*hex_to_rgb(AGAINST), 128)
        assert (picture[1:, :, 3] == 0).all()

    @given(st.integers(1, 200))
    def test_it_is_as_wide_as_asked_at_least(self, width: int) -> None:
        side, *_ = inside.signed_picture(np.ones((28, 28), np.float32), width).shape
        assert width <= side < width + 28


def test_the_waterfall_ends_at_the_sum() -> None:
    terms = WeightedSum(
        sources=np.array([29, 3]),
        inputs=array(0.5, 1),
        weights=array(4, -1),
        terms=np.array([2.0, -1.0]),
        rest=0.25,
        bias=-0.5,
        total=0.75,
    )
    (bars,) = inside.sum_waterfall(terms, "pixel").data
    assert list(bars.y) == ["pixel 1, 1", "pixel 0, 3", "all others", "bias b", "sum"]
    assert sum(bars.x[:-1]) == bars.x[-1] == 0.75
    assert bars.measure[-1] == "total"
    assert list(inside.sum_waterfall(terms, "neuron").data[0].y[:2]) == ["neuron 29", "neuron 3"]


def test_the_picture_of_a_neuron_has_the_outline_of_the_image() -> None:
    figure = inside.looked_for(np.eye(28, dtype=np.float32), torch.full((28, 28), 255, dtype=torch.uint8))
    assert [trace.type for trace in figure.data] == ["heatmap", "contour", "contour"]
    assert figure.data[0].zmax == -figure.data[0].zmin == 1


def test_pushes_up_and_down_have_different_colours() -> None:
    (bars,) = inside.contributions([5, 9], [1.0, -2.0], 3).data
    assert list(bars.x) == ["5", "9"]
    assert list(bars.marker.color) == [1, 0]


def test_the_largest_logit_stands_out() -> None:
    logits = np.arange(10, dtype=np.float32)[::-1].copy()
    assert list(inside.logit_bars(logits, "#0072B2").data[0].marker.color) == [1] + [0] * 9


class TestWhoTalksToWhom:
    @pytest.mark.parametrize(
        ("call", "busy", "words"),
        [
            ("zero_grad", {"optimizer", ".grad"}, {"clears"}),
            ("forward", {"DataLoader", "model"}, {"images"}),
            ("loss", {"model", "loss", "DataLoader"}, {"logits", "labels"}),
            ("backward", {"loss", "autograd", ".grad"}, {"loss", "fills"}),
            ("step", {".grad", "optimizer", "model"}, {"reads", "parameters"}),
        ],
    )
    def test_what_a_call_does_lights_up(self, call: inside.Call, busy: set[str], words: set[str]) -> None:
        assert lit(inside.who_talks_to_whom(call)) == busy | words

    def test_a_call_that_is_left_out_lights_nothing(self) -> None:
        assert lit(inside.who_talks_to_whom(None)) == set()


def lit(figure: go.Figure) -> set[str]:
    texts: list[str] = [each.text for each in figure.layout.annotations if each.text]
    return {text[3:-4] for text in texts if text.startswith("<b>")}


def test_a_gradient_that_is_none_is_called_so() -> None:
    bars = inside.gradient_norms({"before": [None, 0.5], "after": [1.0, 2.0]}).data
    assert list(bars[0].text) == ["None", "0.5"]
    assert list(bars[1].y) == [1, 2]
    assert list(bars[0].x) == ["hidden 1", "output"]


def test_the_histograms_are_shares_of_the_layer() -> None:
    (line,) = inside.gradient_histograms([layer_step(None, 1, 1)]).data
    assert [value for value in line.y if value is not None] == [25, 50, 25]


def test_changes_are_measured_by_the_layers_size() -> None:
    figure = inside.relative_changes([layer_step(None, 1, 0.5), layer_step(None, 1, 1)])
    assert [bar.y[0] for bar in figure.data] == [25, 50]


@pytest.mark.parametrize("quantity", ["losses", "gradient_norms"])
def test_both_loops_are_drawn_step_by_step(quantity: Any) -> None:
    one, other = Loop(array(2, 1), array(3, 4)), Loop(array(2, 5), array(3, 9))
    figure = inside.loops(one, other, quantity)
    assert [list(line.y) for line in figure.data] == [list(getattr(loop, quantity)) for loop in (one, other)]
    assert list(figure.data[0].x) == [1, 2]


def test_every_optimizer_has_a_bar_for_each_layer() -> None:
    found = [Update("adam", 0.001, (0.1, 0.2), 0.001, 0.5, 0.3), Update("sgd", 0.01, (0.0, 0.4), 0.1, 1.0, 0.3)]
    figure = inside.update_norms(found, {"adam": "Adam", "sgd": "SGD"})
    assert list(figure.data[0].y) == ["Adam", "SGD"]
    # A logarithmic axis has no 0.
    assert [list(bar.x) for bar in figure.data] == [[0.1, None], [0.2, 0.4]]


def test_passes_are_shown_in_percent() -> None:
    probabilities = np.full((3, 10), 0.1, np.float32)
    (cells,) = inside.passes(probabilities, "#0072B2").data
    np.testing.assert_allclose(cells.z, 10, rtol=1e-6)
    assert list(cells.y) == [1, 2, 3]


@given(st.floats(-5000, 5000))
def test_the_point_lies_on_the_sigmoid(logit: float) -> None:
    curve, point = inside.sigmoid_curve(logit).data
    assert point.y[0] == pytest.approx(100 * torch.tensor(logit, dtype=torch.float64).sigmoid().item(), abs=1e-6)
    assert curve.x[0] <= logit <= curve.x[-1]
