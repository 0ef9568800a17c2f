"""What a page shows, as code to paste into a notebook."""

import streamlit as st


def show_code(code: str, key: str) -> None:
    """Folds `code` away below the words "Show the code"."""
    with st.expander("Show the code", icon=":material/code:", key=key):
        st.code(code, language="python")
