"""The least that a click or a typed word can take to show anything: a button, a field, and a text about both.

Served by `inside_latency.py` beside the app, with the app's own server settings.
"""

import streamlit as st


def _count() -> None:
    st.session_state["count"] += 1


st.session_state.setdefault("count", 0)
st.button("Count", key="click", on_click=_count)
st.text_input("Word", key="word", live=True)
with st.container(key="answer"):
    st.markdown(f"clicks: {st.session_state['count']}, word: {st.session_state['word']}")
