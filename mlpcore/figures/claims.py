"""What figures of several claims share."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mlpcore.figures.style import faded, run_color


def seeds_and_mean(name: str, accuracies: npt.NDArray[np.floating], number: int) -> list[dict[str, Any]]:
    """A row of dots, one per seed, and a diamond at their mean with the figure below it.

    Args:
        name: of the row.
        accuracies: float64 [seeds], 0 to 1.
        number: which of the colors, from 1.
    """
    color = run_color(number)
    mean = 100 * float(accuracies.mean())
    return [
        {
            "x": 100 * accuracies,
            "y": [name] * len(accuracies),
            "mode": "markers",
            "marker": {"size": 9, "color": faded(color, 0.5)},
            "hovertemplate": f"{name}: %{{x:.2f}} %<extra></extra>",
        },
        {
            "x": [mean],
            "y": [name],
            "mode": "markers+text",
            "marker": {"size": 11, "symbol": "diamond", "color": color},
            "text": [f"{mean:.1f} %"],
            "textposition": "bottom center",
            "hovertemplate": f"{name}, mean of {len(accuracies)} seeds: %{{x:.2f}} %<extra></extra>",
        },
    ]
