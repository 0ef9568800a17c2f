"""The code for what a page shows, to paste into a notebook."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def show_code(code: str, key: str) -> DeltaGenerator:
    """Shows `code` in an expander, and returns the expander for anything that belongs to it."""
    place = st.expander("Show the code", icon=":material/code:", key=key)
    place.code(code, language="python")
    return place
