"""Charts that change while someone looks at them.

`st.plotly_chart` replaces its DOM node at every change, which loses the reader's zoom and hidden traces, and
flickers. The component here hands each new figure to `Plotly.react`, which updates the node that is there.

The reader's zoom, hidden traces and tool belong to a chart's `key`: they last as long as the chart is on the
page under this key, so a chart of something else needs another key. A chart follows Streamlit's theme, light
and dark: colours and layout that the figure sets itself win over the theme, its Plotly template does not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import plotly
import plotly.graph_objects as go
import streamlit as st
from plotly.io.json import to_json_plotly
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

_CSS = """
.live-chart {
  height: 100%;
}
.live-chart.clickable .nsewdrag {
  cursor: pointer;
}
.live-chart .hovertext > rect { /* plotly paints it for the white that it takes to be behind a clear chart */
  fill: var(--st-background-color) !important;
}
.live-chart.js-plotly-plot .plotly .modebar-btn:focus-visible {
  outline-color: var(--st-primary-color);
}
"""

# Not isolated: plotly.js puts its style sheet into the document's head, which a shadow root would shut out.
_COMPONENT = st.components.v2.component(
    "live_chart",
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def _serve_plotly_js() -> str:
    """Let Streamlit serve the plotly.js of the Python package; return its URL, relative to a page of the app.

    A component's inline code travels with every message, too often for a library of megabytes. Files are
    served from packages with a manifest; plotly has none, so Streamlit is handed one here. The version in the
    URL lets browsers keep the file for as long as they like.
    """
    version = plotly.__version__
    manifest = ComponentManifest("plotly", version, [ComponentConfig(version, asset_dir="package_data")])
    get_bidi_component_manager().register_from_manifest(manifest, Path(plotly.__file__).parent)
    return f"./_stcore/bidi-components/plotly.{version}/plotly.min.js"


_PLOTLY_JS = _serve_plotly_js()


def as_json(figure: go.Figure) -> str:
    """A figure as the charts here take it: arrays as base64, and no template, since the theme takes its place.

    Apart from the charts, so that a drawing can be kept as long as it stays the same.
    """
    content = figure.to_dict()
    content["layout"].pop("template", None)
    drawing: str = to_json_plotly(content)
    return drawing


def _data(drawing: str, key: str, alt: str, *, clickable: bool) -> dict[str, object]:
    return {"figure": drawing, "key": key, "alt": alt, "clickable": clickable, "library": _PLOTLY_JS}


def live_chart(drawing: str, *, key: str, alt: str, height: int = 320) -> None:
    """Show a figure given `as_json`, and in later runs of the script or fragment update it in place.

    `alt` says in words what the picture shows, for readers who cannot see it; it may change with the data.
    """
    _COMPONENT(key=key, data=_data(drawing, key, alt, clickable=False), height=height)


def clickable_chart(
    drawing: str, *, key: str, alt: str, height: int = 320, on_click: Callable[[], None] | None = None
) -> float | None:
    """Like `live_chart`; return the x value of the point that the reader clicked last, None before any click.

    A click reruns the script, or the fragment that the chart is in, also on the same point again. `on_click` runs
    first and may ask for `last_click`.
    """
    _COMPONENT(
        key=key,
        data=_data(drawing, key, alt, clickable=True),
        height=height,
        on_clicked_change=on_click or (lambda: None),
    )
    return last_click(key)


def last_click(key: str) -> float | None:
    """Where the reader clicked last on the clickable chart of this key, as `clickable_chart` returns it."""
    click = getattr(st.session_state.get(key), "clicked", None)
    return None if click is None else float(click["x"])
