"""What the figures of a comparison show: judged by their data, as a browser would get it."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from mlpcore import figures
from mlpcore.comparison.agreement import agreement
from mlpcore.comparison.plan import Plan, first_seeds
from mlpcore.comparison.results import Comparison, TrainedRun, compare
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import Experiment
from mlpcore.figures import run_color
from mlpcore.figures.comparison import MAX_POINTS
from mlpcore.history import EpochRecord, History

DIGITS = tuple("0123456789")
HIDDEN = [(), (256,), (512, 256), (4,), (64,), (32, 32)]


def evaluation(right: int, of: int = 1000, shift: int = 0) -> Evaluation:
    """Of images of the classes 0, 1, 2, …: so many are recognized, the rest are taken for the next class."""
    labels = torch.arange(of) % 10
    answers = torch.where((torch.arange(of) + shift) % of < right, labels, (labels + 1) % 10)
    return judge(4.0 * torch.nn.functional.one_hot(answers, 10), labels)


def comparison_of(*rights: Sequence[int], planned: int | None = None) -> Comparison:
    """Of so many experiments, whose runs recognized so many of 1,000 images each."""
    plan = Plan(
        tuple(Experiment().changed(hidden=hidden) for hidden, _ in zip(HIDDEN, rights, strict=False)),
        first_seeds(planned or max(map(len, rights))),
    )
    runs = [
        TrainedRun(experiment.changed(seed=seed), evaluation(right), 1.0, 1.0, History(experiment))
        for experiment, row in zip(plan.experiments, rights, strict=True)
        for seed, right in enumerate(row)
    ]
    return compare(plan, runs)


def history_of(losses: Sequence[float], val_loss: float | None = 0.5) -> History:
    """A history that has come as far as there are epochs."""
    history = History(Experiment().changed(train_size=64))
    for epoch, loss in enumerate(losses, start=1):
        accuracy = None if val_loss is None else 0.9
        history.epochs.append(EpochRecord(epoch, loss, loss / 2, 1 - loss / 10, val_loss, accuracy, 1.0, 0.001))
    return history


def in_browser(figure: go.Figure) -> dict[str, Any]:
    """The figure as JSON by the book, which knows neither NaN nor infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content: dict[str, Any] = json.loads(figure.to_json(), parse_constant=refuse)
    return content


def colored(figure: go.Figure, number: int) -> list[Any]:
    """The traces in the color of a run, be it full or faded."""
    color = run_color(number)
    rgb = ", ".join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))
    return [trace for trace in figure.data if color in str(trace) or f"rgba({rgb}, " in str(trace)]


# Accuracy with every seed


def test_every_seed_is_a_dot_beside_the_mean_and_its_interval() -> None:
    comparison = comparison_of([900, 910, 905], [970, 980, 960])
    figure = figures.accuracy_over_seeds(comparison)
    in_browser(figure)
    for number, summary in enumerate(comparison.summaries, start=1):
        dots, mean = colored(figure, number)
        assert sorted(dots.x) == pytest.approx(sorted(100 * summary.accuracies))
        assert list(dots.customdata) == [0, 1, 2]
        assert summary.mean and summary.interval
        assert list(mean.x) == pytest.approx([100 * summary.mean])
        low, high = mean.x[0] - mean.error_x.arrayminus[0], mean.x[0] + mean.error_x.array[0]
        assert (low, high) == pytest.approx([100 * end for end in summary.interval])
    assert [note.text for note in figure.layout.annotations] == ["Linear softmax classifier", "One hidden layer (256)"]


def test_rows_do_not_overlap_and_the_first_is_on_top() -> None:
    figure = figures.accuracy_over_seeds(comparison_of(*[[900 + seed for seed in range(50)]] * 6))
    bottom, top = figure.layout.yaxis.range
    above = top
    for number, note in zip(range(1, 7), figure.layout.annotations, strict=True):
        heights = [y for trace in colored(figure, number) for y in trace.y]
        assert bottom < min(heights) and max(heights) < note.y <= above
        above = min(heights)


def test_dots_keep_clear_of_the_name_above_them_and_of_the_mean_below() -> None:
    figure = figures.accuracy_over_seeds(comparison_of([900 + seed for seed in range(50)], [910] * 50))
    name = figure.layout.annotations[0]
    dots, (mean,) = (trace.y for trace in colored(figure, 1))
    pixel = 1 / 62  # of a row as it is on screen; a line of text has 17, a dot reaches 5 from its middle, the mean 6
    assert max(dots) + 5 * pixel < name.y - 17 * pixel
    assert min(dots) - 5 * pixel > mean + 6 * pixel


def test_equal_accuracies_are_all_seen() -> None:
    dots, _ = colored(figures.accuracy_over_seeds(comparison_of([900] * 50, [910] * 50)), 1)
    places = sorted(dots.y)
    assert len(places) == 50 and min(np.diff(places)) > 0.002


def test_one_seed_has_no_whiskers_and_an_experiment_without_runs_only_its_name() -> None:
    figure = figures.accuracy_over_seeds(comparison_of([900], [], planned=2))
    in_browser(figure)
    _, mean = colored(figure, 1)
    assert mean.error_x.visible is False and "one seed: 90.00 %" in mean.hovertemplate
    assert colored(figure, 2) == [] and len(figure.layout.annotations) == 2


# Curves


def test_a_name_is_text_whatever_it_says() -> None:
    (line,) = figures.curves_over_seeds(['<a href="http://elsewhere">R&D</a>'], [[history_of([3.0])]], "loss", 1).data
    assert line.name == '&lt;a href="http://elsewhere"&gt;R&amp;D&lt;/a&gt;'


def test_the_line_is_the_mean_and_the_band_reaches_over_all_seeds() -> None:
    runs = [[history_of([3.0, 2.0]), history_of([1.0, 1.0])], [history_of([0.5, 0.25])]]
    figure = figures.curves_over_seeds(["A", "B"], runs, "loss", 5)
    in_browser(figure)
    low, high, line, dots = colored(figure, 1)
    assert (list(low.y), list(high.y), list(line.y)) == ([1, 1], [3, 2], [2, 1.5])
    assert high.fill == "tonexty" and line.name == "A"
    assert sorted(zip(dots.x, dots.y, strict=True)) == [(1, 1), (1, 3), (2, 1), (2, 2)]
    (single,) = colored(figure, 2)
    assert (list(single.x), list(single.y), single.name) == ([1, 2], [0.5, 0.25], "B")
    assert figure.layout.xaxis.range[1] > 5


def test_a_run_that_is_behind_counts_as_far_as_it_has_come() -> None:
    runs = [[history_of([3.0, 2.0, 1.0]), history_of([1.0]), history_of([])]]
    _, _, line, dots = figures.curves_over_seeds(["A"], runs, "train_loss", 3).data
    assert list(line.y) == [1, 1, 0.5]
    assert [counts for *_, counts in line.customdata] == [2, 1, 1]
    assert len(dots.x) == 4


def test_accuracies_are_percentages_and_missing_validation_has_no_line() -> None:
    runs = [[history_of([1.0]), history_of([2.0])], [history_of([1.0], val_loss=None)], []]
    names = ["A", "B", "C"]
    validation = figures.curves_over_seeds(names, runs, "val_accuracy", 1)
    assert {trace.legendgroup for trace in validation.data} == {"A"}
    _, _, line, _ = validation.data
    assert list(line.y) == [90] and line.mode == "lines+markers"
    assert "(%)" in validation.layout.yaxis.title.text
    training = figures.curves_over_seeds(names, runs, "train_accuracy", 1)
    assert list(colored(training, 1)[2].y) == pytest.approx([85])
    assert {trace.legendgroup for trace in training.data} == {"A", "B"}
    in_browser(figures.curves_over_seeds(["A"], [[]], "loss", 1))


def test_long_curves_of_many_seeds_stay_drawable() -> None:
    losses = np.linspace(2, 1, 1000)
    runs = [[history_of(list(losses * (1 + seed / 50))) for seed in range(50)]]
    low, _, line, dots = figures.curves_over_seeds(["A"], runs, "loss", 1000).data
    assert len(low.x) == len(line.x) <= MAX_POINTS + 1
    assert len(dots.x) <= MAX_POINTS + 50
    assert line.x[-1] == 1000 and line.y[-1] == pytest.approx(1.49)


# Where they differ


def test_the_agreement_matrix_counts_answers() -> None:
    found = agreement(evaluation(900), evaluation(850, shift=100))
    figure = figures.agreement_matrix(found, ("A", "B"), DIGITS)
    in_browser(figure)
    _, different, numbers = figure.data
    assert {(y, x): count for y, x, count in zip(numbers.y, numbers.x, numbers.text, strict=True)} == {
        (DIGITS[row], DIGITS[column]): found.answers[row, column] for row, column in np.argwhere(found.answers > 0)
    }
    off_diagonal = np.where(np.eye(10) == 1, 0, found.answers)
    assert np.array_equal(np.nan_to_num(different.z), off_diagonal)
    assert different.zmax == off_diagonal.max()
    assert different.text[3][4] == f"A: 3<br>B: 4<br>{found.answers[3, 4]:,} images"
    assert "A" in figure.layout.yaxis.title.text and "B" in figure.layout.xaxis.title.text
    assert numbers.textfont.color is None  # the theme's


def test_two_models_that_always_agree_have_an_empty_matrix() -> None:
    found = agreement(evaluation(900), evaluation(900))
    figure = figures.agreement_matrix(found, ("A", "B"), DIGITS)
    assert np.isnan(np.array(figure.data[1].z, float)).all()
    in_browser(figure)


def test_classes_stand_side_by_side_with_their_seeds() -> None:
    comparison = comparison_of([900, 800], [970, 980])
    figure = figures.class_accuracies_compared(comparison, DIGITS)
    in_browser(figure)
    for number, (trace, summary) in enumerate(zip(figure.data, comparison.summaries, strict=True), start=1):
        shares = 100 * np.array([run.test.class_accuracies for run in summary.runs])
        assert trace in colored(figure, number) and trace.name == summary.name
        assert list(trace.y) == pytest.approx(list(shares.mean(axis=0)))
        assert trace.y + trace.error_y.array == pytest.approx(shares.max(axis=0))
        assert trace.y - trace.error_y.arrayminus == pytest.approx(shares.min(axis=0))
    assert figure.layout.barmode == "group"
    assert list(figure.layout.yaxis.range) == [80, 100] and "cut at 80 %" in figure.layout.yaxis.title.text


def test_classes_of_one_seed_have_no_whiskers_and_low_ones_no_cut() -> None:
    figure = figures.class_accuracies_compared(comparison_of([400], []), DIGITS)
    (bars,) = figure.data
    assert bars.error_y.visible is False and "seeds" not in bars.hovertemplate
    assert list(figure.layout.yaxis.range) == [0, 100] and "cut" not in figure.layout.yaxis.title.text
    in_browser(figures.class_accuracies_compared(comparison_of([], [], planned=1), DIGITS))


def test_accuracy_stands_over_parameters() -> None:
    comparison = comparison_of([900, 910], [970, 980], [], planned=2)
    figure = figures.accuracy_against_parameters(comparison)
    in_browser(figure)
    assert figure.layout.xaxis.type == "log"
    assert [(trace.x[0], trace.y[0]) for trace in figure.data] == [(7850, pytest.approx(90.5)), (203_530, 97.5)]
    assert [trace.marker.color for trace in figure.data] == [run_color(1), run_color(2)]
    assert all(trace.error_y.array[0] > 0 for trace in figure.data)
