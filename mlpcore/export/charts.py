"""A run's charts as one self-contained web page, which opens in any browser without a network."""

from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from mlpcore import datasets, figures
from mlpcore.datasets.files import COLLECTIONS
from mlpcore.experiment import Experiment
from mlpcore.export.code import template
from mlpcore.history import History
from mlpcore.network import parameter_count
from mlpcore.training import Result


@dataclass(frozen=True)
class _Chart:
    """A figure with its title, its alternative text, and its height in pixels."""

    title: str
    alt: str
    figure: go.Figure
    height: int = 320


def charts_html(title: str, experiment: Experiment, history: History, result: Result | None, color: str) -> str:
    """All charts of a run as an HTML page that includes plotly.js, about 5 MB; it loads nothing when it is opened.

    Args:
        title: of the run; it is escaped.
        experiment: what was trained.
        history: of the run; empty charts are left out.
        result: of the run; without one, the charts of the test images are left out.
        color: of the run, hexadecimal.
    """
    return template("charts.html.jinja").render(
        title=title,
        lines=_in_words(experiment, history, result),
        charts=[*_of_training(experiment, history, color), *(_of_test(experiment, result) if result else [])],
        drawn=_drawn,
        plotly_js=get_plotlyjs(),
    )


def _in_words(experiment: Experiment, history: History, result: Result | None) -> list[str]:
    architecture, chosen, data = experiment.architecture, experiment.hyperparameters, experiment.data
    lines = [
        f"{architecture.title}, {parameter_count(architecture):,} parameters, on {data.train_images:,} training images "
        f"of {COLLECTIONS[data.dataset].title}: {history.steps:,} of {experiment.total_steps:,} steps, "
        f"batch size {chosen.batch_size}, {chosen.optimizer} at a learning rate of {chosen.learning_rate:g}, "
        f"seed {experiment.seed}."
    ]
    if result:
        low, high = result.test.interval
        lines.append(
            f"Test accuracy {100 * result.test.accuracy:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f} %), "
            f"test loss {result.test.loss:.4f} nats, training accuracy {100 * result.train.accuracy:.2f} %."
        )
    return lines


def _of_training(experiment: Experiment, history: History, color: str) -> list[_Chart]:
    steps, epochs = experiment.total_steps, experiment.hyperparameters.epochs
    charts = []
    if history.steps:
        charts.append(
            _Chart(
                "Training loss per step",
                "Line chart: training loss against step, with the range of the losses in each stretch of steps.",
                figures.loss_per_step(history, steps, color=color),
            )
        )
    if history.epochs:
        charts += [
            _Chart(
                "Loss per epoch",
                "Line chart: training loss and, if there are validation images, validation loss against epoch.",
                figures.loss_per_epoch(history, epochs),
            ),
            _Chart(
                "Accuracy per epoch",
                "Line chart: training and validation accuracy against epoch.",
                figures.accuracy_per_epoch(history, epochs),
            ),
        ]
    if history.health:
        charts.append(
            _Chart(
                "Health of the layers",
                "Line charts per layer against step: dead ReLUs, gradient norm, size of update against weight.",
                figures.layer_health(history, steps),
                460,
            )
        )
    if history.steps:
        charts.append(
            _Chart(
                "Learning rate", "Line chart: learning rate against step.", figures.learning_rate(history, steps), 240
            )
        )
    return charts


def _of_test(experiment: Experiment, result: Result) -> list[_Chart]:
    classes = datasets.load(experiment.data.dataset).classes
    return [
        _Chart(
            "Which classes it confuses",
            "Confusion matrix of the test images: true class by row, predicted class by column.",
            figures.confusion_matrix(result.test, classes),
            460,
        ),
        _Chart(
            "Accuracy per class",
            "Bar chart: share of the test images of each class that the model got right, with 95 % intervals.",
            figures.class_accuracies(result.test, classes),
            380,
        ),
    ]


def _drawn(chart: _Chart, number: int) -> str:
    drawing: str = to_html(
        chart.figure.update_layout(template="plotly_white"),
        config={"displaylogo": False, "responsive": True},
        include_plotlyjs=False,
        full_html=False,
        default_height=chart.height,
        div_id=f"chart-{number}",
    )
    return drawing
