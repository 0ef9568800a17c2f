"""Figures of the claim about cost: time and memory of networks that grow in width, and of others that grow in depth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mlpcore.figures.style import NEUTRAL, axis, figure, run_color


@dataclass(frozen=True)
class NetworkCost:
    """What a network costs.

    Attributes:
        hidden: neurons of every hidden layer, all equal, at least one layer.
        weights: without biases.
        multiply_adds: of weights in a training step, per image.
        step_seconds: for a training step with one batch.
        answer_seconds: for the logits of as many images.
        parameter_bytes, gradient_bytes, optimizer_bytes: what training keeps of each.
        backward_bytes: what a forward pass of a batch keeps for the backward pass.
    """

    hidden: tuple[int, ...]
    weights: int
    multiply_adds: int
    step_seconds: float
    answer_seconds: float
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    backward_bytes: int

    @property
    def kept_bytes(self) -> int:
        """All bytes that are kept in the middle of a training step."""
        return self.parameter_bytes + self.gradient_bytes + self.optimizer_bytes + self.backward_bytes


Quantity = Callable[[NetworkCost], float]


def times_as_much(base: NetworkCost, wide: NetworkCost, deep: NetworkCost) -> go.Figure:
    """How many times as much as the base do the wider and the deeper network have, take and keep?"""
    quantities: dict[str, Quantity] = {
        "Hidden neurons": lambda cost: sum(cost.hidden),
        "Weights": lambda cost: cost.weights,
        "Arithmetic": lambda cost: cost.multiply_adds,
        "Training step": lambda cost: cost.step_seconds,
        "Answering": lambda cost: cost.answer_seconds,
        "Memory": lambda cost: cost.kept_bytes,
    }
    traces: list[dict[str, Any]] = []
    for number, (name, cost) in enumerate([("Twice as wide", wide), ("Twice as deep", deep)], start=1):
        ratios = [quantity(cost) / quantity(base) for quantity in quantities.values()]
        traces.append({
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": ratios,
            "y": list(quantities),
            "marker": {"color": run_color(number), "line": {"width": 0}},
            "text": [f"{ratio:.1f}" for ratio in ratios],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": f"{name}<br>%{{y}}: %{{x:.2f}} times<extra></extra>",
        })  # fmt: skip
    largest = max(max(trace["x"]) for trace in traces)
    return figure(
        traces,
        showlegend=True,
        barmode="group",
        bargap=0.3,
        shapes=[{"type": "line", "xref": "x", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1,
                 "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}],
        xaxis=axis("Times as much", range=[0, 1.12 * largest]),
        yaxis=axis(type="category", autorange="reversed", fixedrange=True),
    )  # fmt: skip


def time_by_size(by_width: Sequence[NetworkCost], by_depth: Sequence[NetworkCost], base: NetworkCost) -> go.Figure:
    """How long does a batch take? By width above, both axes logarithmic, by depth below.

    The dotted line is how long a step would take if its arithmetic went as fast everywhere as with `base`.
    """
    per_multiply_add = base.step_seconds / base.multiply_adds
    lines: dict[str, Quantity] = {
        "Training step": lambda cost: 1000 * cost.step_seconds,
        "Answering": lambda cost: 1000 * cost.answer_seconds,
        "Arithmetic": lambda cost: 1000 * per_multiply_add * cost.multiply_adds,
    }
    return _by_width_and_depth(by_width, by_depth, lines, "Time", "ms")


def memory_by_size(by_width: Sequence[NetworkCost], by_depth: Sequence[NetworkCost]) -> go.Figure:
    """How much memory does training keep? By width above, both axes logarithmic, by depth below."""
    lines: dict[str, Quantity] = {
        "All": lambda cost: cost.kept_bytes / 1e6,
        "Parameters": lambda cost: cost.parameter_bytes / 1e6,
        "For backward": lambda cost: cost.backward_bytes / 1e6,
    }
    return _by_width_and_depth(by_width, by_depth, lines, "Memory", "MB")


def _by_width_and_depth(
    by_width: Sequence[NetworkCost],
    by_depth: Sequence[NetworkCost],
    lines: Mapping[str, Quantity],
    what: str,
    unit: str,
) -> go.Figure:
    widths, depths = [cost.hidden[0] for cost in by_width], [len(cost.hidden) for cost in by_depth]
    looks = [
        (run_color(3), "solid", "circle"),
        (run_color(4), "solid", "diamond"),
        (NEUTRAL, "dot", "square-open"),
    ]
    traces: list[dict[str, Any]] = []
    for (name, quantity), (color, dash, symbol) in zip(lines.items(), looks, strict=True):
        common = {
            "name": name,
            "mode": "lines+markers",
            "line": {"color": color, "width": 2, "dash": dash},
            "marker": {"size": 7, "symbol": symbol},
            "legendgroup": name,
        }
        about = f"{name}: %{{y:.3~g}} {unit}<extra></extra>"
        traces += [
            {**common, "x": widths, "y": [quantity(cost) for cost in by_width],
             "hovertemplate": f"%{{x:,}} neurons a layer<br>{about}"},
            {**common, "x": depths, "y": [quantity(cost) for cost in by_depth], "xaxis": "x2", "yaxis": "y2",
             "showlegend": False, "hovertemplate": f"%{{x}} hidden layers<br>{about}"},
        ]  # fmt: skip
    return figure(
        traces,
        showlegend=True,
        xaxis=axis(
            f"Neurons in each of {len(by_width[0].hidden)} layers", type="log", anchor="y", tickvals=widths,
            ticktext=[f"{width:,}" for width in widths],
        ),
        yaxis=axis(f"{what} ({unit})", domain=[0.6, 1], type="log", tickvals=[10.0**power for power in range(-3, 4)]),
        xaxis2=axis(f"Hidden layers of {by_depth[0].hidden[0]}", anchor="y2", tickvals=depths, zeroline=False),
        yaxis2=axis(f"{what} ({unit})", domain=[0, 0.4], anchor="x2", rangemode="tozero"),
    )  # fmt: skip
