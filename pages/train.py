"""Train: choose an experiment, watch it learn, see the results."""

import streamlit as st

from mlpcore import runs
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.export import script
from ui.address import write_in_address
from ui.costs import costs_in_brief, show_costs
from ui.data_gate import dataset_ready
from ui.experiment_form import experiment_form
from ui.fields import FIELDS
from ui.lessons import experiment_address, experiment_in_address, lesson, lesson_maker, show_lesson
from ui.navigation import through_app
from ui.rate_finder import rate_finder
from ui.results import show_mistakes
from ui.run_list import SELECTED
from ui.run_monitor import run_monitor, show_empty_monitor
from ui.session import owner, visible_runs
from ui.show_code import show_code
from ui.take_away import take_away

through_app()

head = st.container(horizontal=True, vertical_alignment="center")
head.title("Train a network", width="content")

show_lesson("train")
# The run comes first, so that on a phone the button and the curve are above the long form.
run_column, form_column = st.columns([3, 2], gap="medium")
with run_column:
    brief, monitor = st.container(), st.container()

with form_column:
    basics, costs, details = st.container(), st.container(), st.container()
    # A link to a run or an experiment, or a reload, brings its settings along.
    linked = runs.queue.get(st.query_params.get("run", ""))
    if "run" in st.query_params and linked is None:
        st.warning(
            "The run in this link was not found: it was deleted, or is on another server.", icon=":material/link_off:"
        )
    # An experiment in the address takes precedence over the run that is shown.
    given = experiment_in_address()
    initial = given or (linked.experiment if linked else TUTORIAL_PRESETS["two-hidden"])
    experiment, problems = experiment_form(basics, details, initial)

with brief:
    ready = dataset_ready(experiment.data.dataset if experiment else "mnist")
    if experiment:
        st.caption(costs_in_brief(experiment))
    else:
        names = [FIELDS[name].label if name in FIELDS else "Hidden layers" for name in problems]
        st.caption(f":red[:material/error: Fix the fields marked in red: {', '.join(names)}.]")

with head:
    pressed = st.button(
        "Train",
        key="train",
        type="primary",
        icon=":material/play_arrow:",
        disabled=experiment is None or not ready,
        width=140,
    )
    step_by_step = st.toggle(
        "Step by step",
        key="train_paused",
        persist_state="session",
        help="Starts paused, so that you can advance by 1 step, 10 steps or 1 epoch at a time.",
    )

# While a field is being typed, the last valid experiment stays in view, so that nothing jumps.
shown = experiment or st.session_state.get("last_experiment") or initial
st.session_state["last_experiment"] = shown
with costs:
    show_costs(shown)

with form_column:
    if not lesson().locks("finder"):
        with st.expander("Learning-rate finder", key="rate_expander"):
            rate_finder(experiment if ready else None)
    with st.expander("Link to these settings, or a lesson", key="lesson_expander", icon=":material/link:"):
        if experiment:
            lesson_maker("train", experiment_address(experiment))
        else:
            st.caption("Fix the fields marked in red first.")
    if experiment:
        show_code(script(experiment), "train_code")

if pressed and experiment:
    st.session_state[SELECTED] = runs.queue.submit(experiment, owner(), paused=step_by_step).id
    # From now on the address is the run's; a lesson in it stays.
    write_in_address({"experiment": ""})
    # Again from the top, so that the list in the sidebar shows it, too.
    st.rerun()

all_runs = visible_runs()
run = runs.queue.get(st.session_state.get(SELECTED, "")) or linked or (all_runs[0] if all_runs else None)
with monitor:
    if run:
        if "experiment" not in st.query_params:
            write_in_address({"run": run.id})
        run_monitor(run)
    else:
        show_empty_monitor(shown)

if run and run.result:
    show_mistakes(run, run.result)
    st.subheader("Export")
    take_away(run)
