"""What a page shows, as code to paste into a notebook."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def show_code(code: str, key: str) -> DeltaGenerator:
    """Folds `code` away below the words "Show the code"; returns the place, for what belongs to it."""
    place = st.expander("Show the code", icon=":material/code:", key=key)
    place.code(code, language="python")
    return place
