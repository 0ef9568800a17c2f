"""The least that a drawing can take to show anything: the canvas alone in a fragment that counts its strokes.

Served by `drawing_latency.py` beside the app, with the app's own server settings.
"""

import streamlit as st
from streamlit_drawable_canvas import st_canvas


@st.fragment
def floor() -> None:
    """The canvas of the Draw page and a count."""
    drawing = st_canvas(height=300, width=300, stroke_width=16, background_color="#FFFFFF", key="canvas_0").json_data
    with st.container(key="answer"):
        st.markdown(f"strokes: {len(drawing['objects']) if drawing else 0}")


st.title("The canvas alone")
floor()
