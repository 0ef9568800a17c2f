"""Runs: everything that was trained and kept; open, compare, describe, take away, tidy up."""

import streamlit as st

from ui.experiment_form import fill_form
from ui.field_inputs import plain
from ui.imports import bring_in
from ui.lessons import lesson
from ui.navigation import through_app
from ui.run_list import SELECTED
from ui.runs_compared import overlay, what_was_tried
from ui.runs_table import choose_runs, describe, tidy_up
from ui.session import title_of
from ui.take_away import take_away

through_app()

st.title("Runs")
st.caption(
    "What you train is kept on the server's disk, also when it ends. The many runs of a comparison are not listed: "
    "their comparison is on the Compare page until the server ends."
)

chosen = choose_runs()
tidy_up(chosen)
if len(chosen) == 1:
    run = chosen[0]
    st.subheader(plain(title_of(run)))
    if run.error:
        st.error(run.error, icon=":material/error:")
    if not lesson() and st.button(
        "Open on the Train page", key="runs_open", type="primary", icon=":material/model_training:"
    ):
        st.session_state[SELECTED] = run.id
        fill_form(run.experiment)
        st.switch_page("pages/train.py", query_params={"run": run.id})
    left, right = st.columns(2, gap="large")
    with left:
        describe(run)
    with right:
        st.markdown("**Take it away**")
        take_away(run)
if chosen:
    overlay(chosen)
what_was_tried()
st.subheader("Bring a model in")
bring_in()
