"""Runs: everything trained and saved; open, compare, describe, export, delete, and import models."""

import streamlit as st

from ui.experiment_form import fill_form
from ui.imports import import_model
from ui.lessons import lesson
from ui.navigation import through_app
from ui.run_list import SELECTED
from ui.runs_compared import overlay, what_was_tried
from ui.runs_table import choose_runs, delete_runs, describe
from ui.session import mark_of, owner, title_of
from ui.take_away import take_away
from ui.words import plain

through_app()

st.title("Runs")
st.caption(
    "Runs that you train are saved on the server, where they survive a restart. Those of a comparison are not listed; "
    "the comparison is on the Compare page until the server stops."
)
st.caption(
    f"Others see the runs that you share under your mark, **{mark_of(owner())}**, which does not say who you are.",
)

chosen = choose_runs()
delete_runs(chosen)
if len(chosen) == 1:
    run = chosen[0]
    st.subheader(plain(title_of(run)))
    if run.error:
        st.error(plain(run.error), icon=":material/error:")
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
        st.markdown("**Export**")
        take_away(run)
if chosen:
    overlay(chosen)
what_was_tried()
st.subheader("Import a model")
import_model()
