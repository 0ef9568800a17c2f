"""Compare: train several models with several seeds and read the conclusion, or test what tutorials claim."""

import streamlit as st

from mlpcore.comparison.job import jobs
from ui.address import came_by_link
from ui.claims import Asked, show_claims, turn_to
from ui.comparison_list import comparison_list, take_what_is_asked_for
from ui.lessons import show_lesson
from ui.model_comparison import JOB, compare_models
from ui.navigation import through_app

_VIEW = "compare_view"
_MODELS, _CLAIMS = "Models", "Claims"

through_app()

st.title("Compare")
st.caption(
    "Is one model better than another, or was it luck? Each model is trained several times with different seeds, and "
    "the conclusion says what that shows and what it does not."
)

take_what_is_asked_for()
show_lesson("compare")
if _VIEW not in st.session_state or came_by_link():
    st.session_state[_VIEW] = _CLAIMS if "claim" in st.query_params else _MODELS
    linked = jobs.get(st.query_params.get("job", ""))
    if linked and isinstance(linked.subject, Asked):
        turn_to(linked, linked.subject)
    elif linked:
        st.session_state[JOB] = linked.id
comparison_list()
view = st.segmented_control(
    "What to compare",
    [_MODELS, _CLAIMS],
    key=_VIEW,
    label_visibility="collapsed",
    required=True,
    persist_state="session",
    format_func=lambda name: {_MODELS: "Models of your choice", _CLAIMS: "What tutorials claim"}[name],
)
if view == _CLAIMS:
    show_claims()
else:
    compare_models()
