"""A sheet of paper to draw a digit on; what was drawn stays when one leaves the page and comes back."""

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mlpcore.drawing import Stroke, strokes_from_canvas

SIDE = 300
"""Pixels: as large as a phone's width allows."""

_BRUSH = 16
_PAPER, _INK = "#FFFFFF", "#1C2333"
_START, _LAST, _SHEET = "canvas_start", "canvas_last", "canvas_sheet"


def digit_canvas() -> list[Stroke]:
    """Shows the sheet and returns the strokes on it, x to the right, y down, in pixels."""
    key = f"canvas_{st.session_state.setdefault(_SHEET, 0)}"
    if key not in st.session_state:
        # The canvas starts anew, on this page's first run for instance. A start that changed later would redraw it.
        st.session_state[_START] = st.session_state.get(_LAST)
    result = st_canvas(
        stroke_width=_BRUSH,
        stroke_color=_INK,
        background_color=_PAPER,
        height=SIDE,
        width=SIDE,
        initial_drawing=st.session_state[_START],
        key=key,
    )
    st.session_state[_LAST] = result.json_data
    # The canvas's own button clears too, but after a change of page only back to what was drawn before.
    st.button("New sheet", key="new_sheet", type="tertiary", icon=":material/note_add:", on_click=_new_sheet)
    return strokes_from_canvas(result.json_data)


def _new_sheet() -> None:
    st.session_state[_LAST] = None
    st.session_state[_SHEET] += 1
