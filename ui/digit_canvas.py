"""A sheet of paper to draw a digit on; a drawing is still there when one leaves the page and comes back."""

from pathlib import Path

import streamlit as st
import streamlit_drawable_canvas
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager

from mlpcore.drawing import Stroke, strokes_from_canvas

SIDE = 300
"""Pixels: as large as a phone's width allows."""

_BRUSH = 16
_PAPER, _INK = "#FFFFFF", "#1C2333"
_START, _LAST, _SHEET = "canvas_start", "canvas_last", "canvas_sheet"

# By itself, the canvas keeps its toolbar on the upper edge of the sheet, transparent until a mouse hovers. A stroke
# that begins there would be lost, and a finger does not hover. Left out: what pen strokes have no use for, and the
# reset, which after a change of page would bring back the drawing that the page began with.
_TOOLBAR_BELOW_THE_SHEET = """
.dc-root > .dc-toolbar[class] {
  position: static;
  opacity: 1;
  padding: 0.5rem 0 0;
}
.dc-toolbar-card {
  flex-wrap: wrap;
  box-shadow: none;
}
.dc-icon-button {
  padding: 0.75rem;
}
.dc-icon-button:is([aria-label^="Update the app"], [aria-label^="Reset"], [aria-label^="Bring"], [aria-label^="Send"]) {
  display: none;
}
"""


def _move_toolbar() -> None:
    name = "streamlit-drawable-canvas.streamlit_drawable_canvas"
    manager = get_bidi_component_manager()
    canvas = manager.get(name)
    (styles,) = Path(streamlit_drawable_canvas.__file__).parent.glob("frontend/build/*.css")
    # Streamlit warns in its log of a second definition beside the first.
    manager.unregister(name)
    st.components.v2.component(
        name,
        html=canvas.html if canvas else None,
        css=styles.read_text("utf-8") + _TOOLBAR_BELOW_THE_SHEET,
        js="index-*.js",
    )


_move_toolbar()


def digit_canvas() -> list[Stroke]:
    """Shows the sheet and returns the strokes on it, x to the right, y down, in pixels."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Your drawing**", width="content")
        st.button("Clear", key="new_sheet", type="tertiary", icon=":material/delete:", on_click=_clear)
    key = f"canvas_{st.session_state.setdefault(_SHEET, 0)}"
    if key not in st.session_state:
        # A new canvas, on this page's first run for instance. A start that changed later would redraw it.
        st.session_state[_START] = st.session_state.get(_LAST)
    result = streamlit_drawable_canvas.st_canvas(
        stroke_width=_BRUSH,
        stroke_color=_INK,
        background_color=_PAPER,
        height=SIDE,
        width=SIDE,
        initial_drawing=st.session_state[_START],
        key=key,
    )
    st.session_state[_LAST] = result.json_data
    return strokes_from_canvas(result.json_data)


def _clear() -> None:
    st.session_state[_LAST] = None
    st.session_state[_SHEET] += 1
