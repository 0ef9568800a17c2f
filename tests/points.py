"""A chart of points that tests hold in their hands, in place of the one in the browser."""

import base64
import json
from typing import Any

import numpy as np

from mlpcore.figures.projection import clicked_point


class PointChart:
    """What `ui.live_chart.clickable_chart` was asked to show last, and which x is clicked."""

    def __init__(self) -> None:
        self.drawing = ""
        self.alt = ""
        self.clicked: float | None = None

    def __call__(self, drawing: str, *, key: str, alt: str, height: int) -> float | None:
        self.drawing, self.alt = drawing, alt
        return self.clicked

    @property
    def traces(self) -> list[dict[str, Any]]:
        """The traces, with their arrays as lists."""
        traces: list[dict[str, Any]] = json.loads(self.drawing)["data"]
        return [{name: _unpacked(value) for name, value in trace.items()} for trace in traces]

    @property
    def points(self) -> dict[int, tuple[float, float]]:
        """Every digit by its number."""
        return {
            clicked_point(x): (x, y)
            for trace in self.traces
            if trace["type"] == "scattergl" and trace["mode"] == "text"
            for x, y in zip(trace["x"], trace["y"], strict=True)
        }


def _unpacked(value: Any) -> Any:
    """An array as plotly writes it, as a list; anything else as it is."""
    if not (isinstance(value, dict) and "bdata" in value):
        return value
    array = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
    shape = [int(length) for length in str(value.get("shape", len(array))).split(",")]
    return array.reshape(shape).tolist()
