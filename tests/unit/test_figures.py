"""What the charts show: judged by the figures' data, as a browser would get it."""

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from scipy.stats import binomtest

from mlpcore import figures
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import Architecture, Experiment
from mlpcore.figures import RUN_COLORS, TRAIN, VALIDATION, run_color
from mlpcore.figures.style import ACCENT, MISTAKES, NEUTRAL, layer_styles
from mlpcore.history import EpochRecord, HealthRecord, History, LayerHealth
from mlpcore.network import parameter_count

DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def history_of(total_steps: int, losses: Any = (), rate: float = 0.001) -> History:
    """A history of a run of `total_steps` that has come as far as there are losses."""
    epochs = math.ceil(total_steps / 50_000)
    history = History(Experiment().changed(train_size=total_steps // epochs, batch_size=1, epochs=epochs))
    for loss in losses:
        history.append_step(loss, rate)
    return history


def noisy(steps: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).gamma(2, size=steps).astype(np.float32)


def epoch(number: int, val_loss: float | None = 0.5) -> EpochRecord:
    accuracy = None if val_loss is None else 0.9
    return EpochRecord(number, 0.6, 0.4, 0.95, val_loss, accuracy, 1.0, 0.001)


def health(step: int, layers: int = 3, dead_share: float | None = 0.25) -> HealthRecord:
    hidden = LayerHealth(gradient_norm=0.5, update_ratio=0.002, dead_share=dead_share)
    return HealthRecord(step, (*[hidden] * (layers - 1), LayerHealth(0.5, 0.002, None)))


def evaluation(confusion: np.ndarray[Any, Any]) -> Evaluation:
    truth, predicted = (np.repeat(index.ravel(), confusion.ravel()) for index in np.indices(confusion.shape))
    logits = torch.nn.functional.one_hot(torch.from_numpy(predicted), 10).float()
    return judge(logits, torch.from_numpy(truth))


@pytest.fixture
def judged() -> Evaluation:
    confusion = np.diag([900, 1100, 1000, 1000, 970, 880, 950, 1000, 960, 1000])
    confusion[4, 9], confusion[3, 5], confusion[7, 2] = 12, 30, 3
    return evaluation(confusion)


def in_browser(figure: go.Figure) -> dict[str, Any]:
    """The figure as JSON by the book, which knows neither NaN nor infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content: dict[str, Any] = json.loads(figure.to_json(), parse_constant=refuse)
    return content


def named(figure: go.Figure, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def axis_titles(figure: go.Figure) -> list[str]:
    axes = [*figure.select_xaxes(), *figure.select_yaxes()]
    return [axis.title.text for axis in axes if axis.title.text] + [note.text for note in figure.layout.annotations]


def every_live_figure(history: History, total_steps: int, epochs: int) -> dict[str, go.Figure]:
    return {
        "loss_per_step": figures.loss_per_step(history, total_steps, color=RUN_COLORS[0]),
        "loss_per_step, log": figures.loss_per_step(history, total_steps, smoothing=0.9, log=True, color=RUN_COLORS[0]),
        "loss_per_epoch": figures.loss_per_epoch(history, epochs),
        "accuracy_per_epoch": figures.accuracy_per_epoch(history, epochs),
        "learning_rate": figures.learning_rate(history, total_steps),
        "layer_health": figures.layer_health(history, total_steps),
    }


# Colours


def linear_rgb(color: str) -> list[float]:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    return float(np.dot(linear_rgb(color), [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


LAYER_COLORS = ["#%02x%02x%02x" % tuple(map(int, color[4:-1].split(","))) for _, color in layer_styles(9)]  # noqa: UP031


@pytest.mark.parametrize("page", ["#ffffff", "#0e1117"])
@pytest.mark.parametrize("color", [*RUN_COLORS, TRAIN, VALIDATION, ACCENT, MISTAKES, NEUTRAL, *LAYER_COLORS])
def test_every_colour_is_seen_on_a_light_and_on_a_dark_page(color: str, page: str) -> None:
    assert contrast(color, page) >= 3


# Machado, Oliveira and Fernandes (2009): what is left of linear RGB without one kind of cone.
COLOR_BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def oklab(linear: Any) -> Any:
    """OKLab (Ottosson 2020), in which equal distances look about equally different."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(linear, 0, 1))


@pytest.mark.parametrize("kind", COLOR_BLIND)
@pytest.mark.parametrize("colors", [RUN_COLORS, (TRAIN, VALIDATION)], ids=["runs", "sets"])
def test_colour_blind_readers_tell_the_colours_apart(colors: tuple[str, ...], kind: str) -> None:
    seen = [oklab(np.array(COLOR_BLIND[kind]) @ linear_rgb(color)) for color in colors]
    distances = [np.linalg.norm(one - other) for i, one in enumerate(seen) for other in seen[:i]]
    assert min(distances) > 0.07


def test_a_run_keeps_its_colour_and_neighbours_have_others() -> None:
    assert [run_color(number) for number in range(1, 7)] == list(RUN_COLORS)
    assert run_color(7) == run_color(1)
    assert len({*RUN_COLORS, TRAIN, VALIDATION}) == len(RUN_COLORS) + 2


# All charts of a run


def full_history(steps: int, epochs: int, health_records: int) -> History:
    history = history_of(steps, noisy(steps))
    history.epochs = [epoch(number) for number in range(1, epochs + 1)]
    history.health = [health(1 + 200 * number) for number in range(health_records)]
    return history


def test_charts_leave_page_and_text_to_the_theme_and_keep_the_zoom(judged: Evaluation) -> None:
    drawn = every_live_figure(full_history(500, 5, 50), 500, 5)
    drawn["rate_finder"] = figures.rate_finder(np.geomspace(1e-6, 1, 50), np.linspace(2, 1, 50), 0.01)
    drawn["confusion_matrix"] = figures.confusion_matrix(judged, DIGITS)
    drawn["class_accuracies"] = figures.class_accuracies(judged, DIGITS)
    drawn["network_drawing"] = figures.network_drawing(Architecture())
    for name, figure in drawn.items():
        layout = figure.layout
        assert layout.uirevision, name
        assert layout.paper_bgcolor is layout.plot_bgcolor is layout.font.color is None, name
        assert (layout.height is None) == (name != "network_drawing"), name
        for trace in figure.data:
            assert trace.hoverinfo == "skip" or trace.hovertemplate.endswith("<extra></extra>"), name


@pytest.mark.parametrize("steps", [1, 299, 300, 301, 100_000])
def test_no_line_has_more_than_a_few_hundred_points(steps: int) -> None:
    for name, figure in every_live_figure(full_history(steps, 1000, 1001), steps, 1000).items():
        assert max(len(trace.x) for trace in figure.data) <= 300, name
        assert len(in_browser(figure)["data"]) == len(figure.data)


@pytest.mark.parametrize("done", [0, 1, 700, 1000])
def test_the_step_axis_shows_the_whole_run_from_the_start(done: int) -> None:
    history = history_of(1000, noisy(done))
    for name in ("loss_per_step", "loss_per_step, log", "learning_rate", "layer_health"):
        assert every_live_figure(history, 1000, 1)[name].layout.xaxis.range == (0, 1000), name


def test_a_run_that_has_not_begun_has_empty_but_labelled_charts() -> None:
    drawn = every_live_figure(history_of(100), 100, 5)
    loss = "Cross-entropy loss (nats)"
    guessing = "guessing: ln 10 = 2.303"
    assert {name: axis_titles(figure) for name, figure in drawn.items()} == {
        "loss_per_step": ["Step", loss, guessing],
        "loss_per_step, log": ["Step", loss, guessing],
        "loss_per_epoch": ["Epoch", loss],
        "accuracy_per_epoch": ["Epoch", "Accuracy (%)"],
        "learning_rate": ["Step", "Learning rate"],
        "layer_health": ["Step", "Gradient norm", "Update ÷ weights (rule of thumb: 0.001)"],
    }
    for name, figure in drawn.items():
        in_browser(figure)
        assert not any(len(trace.x) for trace in figure.data if trace.hoverinfo != "skip"), name


def test_one_step_and_one_epoch_are_seen() -> None:
    history = history_of(1000, [2.3])
    history.epochs, history.health = [epoch(1)], [health(1)]
    for name, figure in every_live_figure(history, 1000, 5).items():
        lines = [trace for trace in figure.data if trace.hoverinfo != "skip"]
        assert all("markers" in trace.mode for trace in lines), name


# Loss per step


def loss_traces(history: History, total_steps: int, **options: Any) -> tuple[Any, Any, Any, Any]:
    low, high, line, guessing = figures.loss_per_step(history, total_steps, color=run_color(1), **options).data
    return low, high, line, guessing


@pytest.mark.parametrize("done", [1, 299, 4689, 4690])
def test_the_band_holds_every_loss_of_its_bin_and_the_line_is_the_mean(done: int) -> None:
    losses = noisy(done)
    low, high, line, _ = loss_traces(history_of(4690, losses), 4690)
    assert line.customdata[0, 0] == 1
    assert line.customdata[-1, 1] == done
    assert np.array_equal(line.customdata[1:, 0], line.customdata[:-1, 1] + 1)
    for index, (first, last) in enumerate(line.customdata[:, :2].astype(int)):
        inside = losses[first - 1 : last]
        assert (low.y[index], high.y[index]) == (inside.min(), inside.max())
        assert line.y[index] == pytest.approx(inside.mean(dtype=np.float64))
        assert first <= line.x[index] <= last


def test_bins_stay_where_they_are_as_the_run_grows() -> None:
    losses = noisy(4690)
    _, _, whole, _ = loss_traces(history_of(4690, losses), 4690)
    for done in (17, 1000, 1007, 3333):
        _, _, line, _ = loss_traces(history_of(4690, losses[:done]), 4690)
        settled = len(line.x) - 1
        assert np.array_equal(line.x[:settled], whole.x[:settled])
        assert np.array_equal(line.y[:settled], whole.y[:settled])


def test_a_short_run_shows_each_step() -> None:
    losses = noisy(200)
    low, high, line, _ = loss_traces(history_of(200, losses), 200)
    assert np.array_equal(line.x, np.arange(1, 201))
    assert np.array_equal(line.y, losses.astype(np.float64))
    assert np.array_equal(low.y, high.y)


def test_smoothing_has_no_bias_at_the_start_and_leaves_the_band() -> None:
    losses = noisy(200)
    low, high, smooth, _ = loss_traces(history_of(200, losses), 200, smoothing=0.9)
    raw_low, raw_high, _, _ = loss_traces(history_of(200, losses), 200)
    assert np.array_equal(low.y, raw_low.y)
    assert np.array_equal(high.y, raw_high.y)
    for count in (1, 2, 200):
        weights = 0.9 ** np.arange(count)[::-1]
        assert smooth.y[count - 1] == pytest.approx(np.average(losses[:count], weights=weights), rel=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("log", [False, True])
def test_a_diverged_run_is_shown_up_to_there(bad: float, log: bool) -> None:
    history = history_of(1000, [2.3, 4.0, 3e38, 3e38, 3e38, bad])
    figure = figures.loss_per_step(history, 1000, smoothing=0.5, log=log, color=run_color(1))
    line = figure.data[2]
    assert line.customdata[-1, 1] == 5
    assert np.isfinite(line.y).all()
    in_browser(figure)


@pytest.mark.parametrize("losses", [[2.0, 0.5, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0], [0.0]])
def test_a_loss_of_zero_does_not_break_the_logarithmic_band(losses: list[float]) -> None:
    low, high, _, _ = loss_traces(history_of(1000, losses), 1000, log=True)
    assert (low.y > 0).all()
    assert (high.y >= low.y).all()


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("losses", "side"), [([2.5, 0.3], "top"), ([40.0, 0.3], "bottom")])
def test_the_reference_line_is_what_guessing_costs_and_its_label_is_beside_it(
    losses: list[float], side: str, log: bool
) -> None:
    figure = figures.loss_per_step(history_of(100, losses), 100, log=log, color=run_color(1))
    assert figure.data[-1].y == (math.log(10), math.log(10))
    (label,) = figure.layout.annotations
    assert label.text == "guessing: ln 10 = 2.303"
    # An edge of the label is at the line, not its middle, which would lie across it.
    assert label.y == pytest.approx(math.log10(math.log(10)) if log else math.log(10))
    assert label.yanchor == side and not label.showarrow


def test_the_learning_rate_is_the_one_of_each_step() -> None:
    history = history_of(3)
    for rate in (0.001, 0.0005, 0.0):
        history.append_step(1.0, rate)
    (line,) = figures.learning_rate(history, 3).data
    assert line.y == pytest.approx([0.001, 0.0005, 0.0])


# Figures per epoch


def test_epochs_show_three_losses_and_mark_the_best() -> None:
    history = history_of(10)
    history.epochs = [epoch(1, 0.5), epoch(2, 0.3), epoch(3, 0.4)]
    figure = figures.loss_per_epoch(history, 3)
    assert {trace.name: list(trace.y) for trace in figure.data} == {
        "Mean of steps": [0.6] * 3,
        "Training sample": [0.4] * 3,
        "Validation": [0.5, 0.3, 0.4],
        "Best epoch": [0.3],
    }
    assert named(figure, "Best epoch").x == (2,)
    accuracy = figures.accuracy_per_epoch(history, 3)
    assert list(named(accuracy, "Training sample").y) == [95.0] * 3
    assert list(named(accuracy, "Validation").y) == [90.0] * 3
    assert named(accuracy, "Best epoch").x == (2,)
    for drawn in (figure, accuracy):
        assert named(drawn, "Training sample").line.color == TRAIN
        assert named(drawn, "Validation").line.color == VALIDATION


def test_without_validation_images_nothing_claims_to_be_validation() -> None:
    history = history_of(10)
    history.epochs = [epoch(1, val_loss=None)]
    assert [trace.name for trace in figures.loss_per_epoch(history, 3).data] == ["Mean of steps", "Training sample"]
    assert [trace.name for trace in figures.accuracy_per_epoch(history, 3).data] == ["Training sample"]


def test_an_epoch_whose_losses_are_no_numbers_is_left_out() -> None:
    history = history_of(10)
    history.epochs = [epoch(1, 0.5), epoch(2, math.inf), epoch(3, math.nan)]
    figure = figures.loss_per_epoch(history, 3)
    in_browser(figure)
    assert named(figure, "Best epoch").x == (1,)


@pytest.mark.parametrize("epochs", [1, 2, 8, 9, 50, 1000])
def test_the_epoch_axis_has_whole_numbers_from_the_first_to_the_last(epochs: int) -> None:
    axis = figures.loss_per_epoch(history_of(10), epochs).layout.xaxis
    assert axis.range[0] < 1
    assert axis.range[1] > epochs
    assert axis.dtick == int(axis.dtick)
    assert epochs / axis.dtick <= 8


def test_many_epochs_are_thinned_evenly_and_keep_both_ends() -> None:
    history = history_of(10)
    history.epochs = [epoch(number) for number in range(1, 1001)]
    shown = named(figures.loss_per_epoch(history, 1000), "Validation").x
    assert (shown[0], shown[-1]) == (1, 1000)
    assert len(shown) <= 300
    assert len(set(np.diff(shown[:-1]))) == 1
    history.epochs = history.epochs[:901]
    assert named(figures.loss_per_epoch(history, 1000), "Validation").x[:-1] == shown[: len(shown[:-1]) - 25]


# Health of the layers


def test_health_has_a_row_per_question_and_a_colour_per_layer() -> None:
    history = history_of(100)
    history.health = [health(step) for step in (1, 2, 50)]
    figure = figures.layer_health(history, 100)
    assert axis_titles(figure)[1:] == [
        "Dead ReLUs (% of the layer)",
        "Gradient norm",
        "Update ÷ weights (rule of thumb: 0.001)",
    ]
    lines = [trace for trace in figure.data if trace.name]
    assert [trace.name for trace in lines if trace.showlegend] == ["hidden 1", "hidden 2", "output"]
    for name in ("hidden 1", "hidden 2", "output"):
        assert len({trace.line.color for trace in lines if trace.name == name}) == 1
    assert len({trace.line.color for trace in lines}) == 3
    dead = [trace for trace in lines if trace.yaxis == "y" and trace.name == "hidden 1"]
    assert list(dead[0].y) == [25.0] * 3
    rows = [figure.layout[name].domain for name in ("yaxis", "yaxis2", "yaxis3")]
    assert all(above[0] > below[1] for above, below in pairwise(rows))


@pytest.mark.parametrize("layers", [1, 3])
def test_without_relus_there_is_no_row_of_dead_ones(layers: int) -> None:
    history = history_of(100)
    history.health = [health(1, layers, dead_share=None)]
    figure = figures.layer_health(history, 100)
    assert [note.text.split()[0] for note in figure.layout.annotations] == ["Gradient", "Update"]
    assert [trace.name for trace in figure.data if trace.showlegend][-1] == "output"


def test_health_that_is_no_number_does_no_harm() -> None:
    history = history_of(100)
    history.health = [HealthRecord(1, (LayerHealth(math.inf, math.nan, 1.0), LayerHealth(0.0, 0.0, None)))]
    in_browser(figures.layer_health(history, 100))


# The learning-rate finder


def test_the_rate_finder_shows_every_point_and_the_suggestion() -> None:
    rates, losses = np.geomspace(1e-6, 10, 150), np.linspace(2.3, 0.5, 150)
    curve, mark = figures.rate_finder(rates, losses, 0.0123).data
    assert np.array_equal(curve.x, rates)
    assert np.array_equal(curve.y, losses)
    assert mark.x == (0.0123, 0.0123)
    assert mark.text[1] == "suggested: 0.012"
    assert len(figures.rate_finder(rates, losses, None).data) == 1


def test_a_rate_at_which_the_loss_explodes_leaves_the_rest_readable() -> None:
    figure = figures.rate_finder(np.array([0.1, 1.0, 10.0]), np.array([2.3, 1.0, 1e30]), None)
    assert figure.layout.yaxis.range == (0, 4.6)


def test_a_rate_finder_without_points_is_labelled() -> None:
    figure = figures.rate_finder(np.array([]), np.array([]), None)
    in_browser(figure)
    assert axis_titles(figure) == ["Learning rate", "Cross-entropy loss (nats)"]


# Evaluations


def test_the_confusion_matrix_says_every_number_in_a_sentence(judged: Evaluation) -> None:
    _, mistakes, *_ = figures.confusion_matrix(judged, DIGITS).data
    assert mistakes.text[4][9] == "4 read as 9: 12 of 982 images (1.2 %)"
    assert mistakes.text[4][4] == "4 read as 4: 970 of 982 images (98.8 %)"
    _, mistakes, *_ = figures.confusion_matrix(judged, FASHION).data
    assert mistakes.text[3][5] == "Dress read as Sandal: 30 of 1,030 images (2.9 %)"


def test_the_confusion_matrix_writes_every_count_that_is_not_zero(judged: Evaluation) -> None:
    _, _, plain, strong = figures.confusion_matrix(judged, FASHION).data
    written = {
        (row, column): int(count)
        for trace in (plain, strong)
        for row, column, count in zip(trace.y, trace.x, trace.text, strict=True)
    }
    assert written == {
        (FASHION[row], FASHION[column]): judged.confusion[row, column] for row, column in np.argwhere(judged.confusion)
    }
    assert list(strong.x) == ["Sandal"]
    assert strong.textfont.color == "white"
    assert plain.textfont.color is None


def test_colours_of_the_confusion_matrix_are_for_mistakes_alone(judged: Evaluation) -> None:
    right, mistakes, *_ = figures.confusion_matrix(judged, DIGITS).data
    assert np.array_equal(np.isnan(right.z), ~np.eye(10, dtype=bool))
    assert np.argwhere(~np.isnan(mistakes.z)).tolist() == [[3, 5], [4, 9], [7, 2]]
    assert mistakes.zmax == mistakes.z[3, 5] == 30 / 1030
    strong_cells = [color for at, color in mistakes.colorscale if color.startswith("#")]
    assert all(contrast(color, "#ffffff") >= 4.5 for color in strong_cells)


def test_a_model_without_mistakes_has_a_confusion_matrix() -> None:
    figure = figures.confusion_matrix(evaluation(np.diag([5] * 10)), DIGITS)
    in_browser(figure)
    assert not figure.data[3].text.size


def test_class_accuracies_come_with_wilson_intervals(judged: Evaluation) -> None:
    (bars,) = figures.class_accuracies(judged, DIGITS).data
    assert bars.y == pytest.approx(100 * judged.class_accuracies)
    interval = binomtest(970, 982).proportion_ci(0.95, "wilson")
    assert bars.y[4] - bars.error_y.arrayminus[4] == pytest.approx(100 * interval.low)
    assert bars.y[4] + bars.error_y.array[4] == pytest.approx(100 * interval.high)


def test_the_axis_of_class_accuracies_says_where_it_is_cut(judged: Evaluation) -> None:
    axis = figures.class_accuracies(judged, DIGITS).layout.yaxis
    assert axis.range == (95, 100)
    assert axis.title.text == "Accuracy (%), axis cut at 95 %"
    half_right = evaluation(np.full((10, 10), 10))
    axis = figures.class_accuracies(half_right, DIGITS).layout.yaxis
    assert axis.range == (0, 100)
    assert axis.title.text == "Accuracy (%)"


def test_a_class_without_images_has_no_bar_and_says_why(judged: Evaluation) -> None:
    confusion = judged.confusion.copy()
    confusion[6] = 0
    without = evaluation(confusion)
    figure = figures.class_accuracies(without, FASHION)
    (bars,) = figure.data
    in_browser(figure)
    assert bars.x[6] == "Shirt (no images)"
    assert np.flatnonzero(np.isnan(bars.y)).tolist() == [6]
    _, mistakes, *_ = figures.confusion_matrix(without, FASHION).data
    assert mistakes.text[6] == ["no images of Shirt"] * 10


# The drawing


def test_the_drawing_tells_each_layers_parameters_and_they_add_up() -> None:
    for architecture in (
        Architecture(),
        Architecture(hidden=()),
        Architecture(hidden=(300, 100, 50), batch_norm=True, dropout=0.5),
    ):
        neurons = next(trace for trace in figures.network_drawing(architecture).data if trace.mode == "markers")
        words = dict(zip(neurons.x, neurons.text, strict=True))
        assert len(words) == len(architecture.sizes)
        told = [text.split("<br>")[1].split(" ")[0] for layer, text in words.items() if layer > 0]
        assert sum(int(number.replace(",", "")) for number in told) == parameter_count(architecture)


@pytest.mark.parametrize("hidden", [(), (1,), (2, 3, 5, 8, 9), (4096,) * 8])
def test_the_drawing_shows_every_size_and_a_few_neurons_of_each_layer(hidden: tuple[int, ...]) -> None:
    figure = figures.network_drawing(Architecture(hidden=hidden))
    neurons, dots = (trace for trace in figure.data if trace.mode == "markers")
    (words,) = (trace for trace in figure.data if trace.mode == "text")
    drawn = []
    for layer, size in enumerate((784, *hidden, 10)):
        heights = neurons.y[neurons.x == layer]
        drawn.append((size, len(heights)))
        assert 1 <= len(heights) <= min(size, 8)
        assert (dots.x == layer).sum() == (3 if len(heights) < size else 0)
        assert heights.max() == -heights.min()
        assert f"<b>{size:,}</b>" in words.text
    assert [count for _, count in sorted(drawn)] == sorted(count for _, count in drawn)
    assert max(len(trace.x) for trace in figure.data) < 300


def test_the_drawing_names_what_every_hidden_layer_does() -> None:
    def words(**fields: Any) -> tuple[str, ...]:
        text: tuple[str, ...] = figures.network_drawing(Architecture(**fields)).data[-1].text
        return text

    assert "each: BatchNorm1d → LeakyReLU → Dropout 0.2" in words(
        hidden=(64, 32), activation="leaky_relu", batch_norm=True, dropout=0.2
    )
    assert "ReLU" in words(hidden=(64,))
    assert words(hidden=()) == ("<b>784</b>", "<b>10</b>", "input", "output")


def test_layers_have_the_same_colours_in_the_drawing_and_in_their_health() -> None:
    drawing = figures.network_drawing(Architecture(hidden=(64, 32)))
    neurons = next(trace for trace in drawing.data if trace.mode == "markers")
    history = history_of(100)
    history.health = [health(1, layers=3)]
    lines = [trace.line.color for trace in figures.layer_health(history, 100).data if trace.showlegend]
    assert [color for _, color in neurons.marker.colorscale][1:] == lines
