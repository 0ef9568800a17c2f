"""Train: choose an experiment, watch it learn, see what came out."""

import streamlit as st

from mlpcore import runs
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.export import script
from ui.address import write_in_address
from ui.costs import show_costs
from ui.data_gate import dataset_ready
from ui.experiment_form import experiment_form
from ui.fields import FIELDS
from ui.lessons import experiment_address, experiment_in_address, lesson, lesson_maker, show_lesson
from ui.navigation import through_app
from ui.rate_finder import rate_finder
from ui.results import show_mistakes
from ui.run_list import SELECTED
from ui.run_monitor import run_monitor
from ui.session import called, owner, visible_runs
from ui.show_code import show_code
from ui.take_away import take_away

through_app()

st.title("Train a network")
st.caption(
    "Choose the layers and how they learn, press Train, and watch the loss fall. Every question mark explains a field."
)

show_lesson("train")
form_column, run_column = st.columns([2, 3], gap="large")

with form_column:
    basics, start, details = st.container(), st.container(), st.container()
    # A link to a run or an experiment, or a reload, brings its settings along.
    linked = runs.queue.get(st.query_params.get("run", ""))
    if "run" in st.query_params and linked is None:
        st.warning(
            "The run of this link is not here: it was deleted, or lies on another server.", icon=":material/link_off:"
        )
    # Whoever gives an experiment means that one, whichever run is looked at beside it.
    given = experiment_in_address()
    initial = given or (linked.experiment if linked else TUTORIAL_PRESETS["two-hidden"])
    experiment, problems = experiment_form(basics, details, initial)
    with start:
        # The messages come below, so that the button stays where it is.
        row, messages = st.container(horizontal=True, vertical_alignment="center"), st.container()
        with messages:
            ready = dataset_ready(experiment.data.dataset if experiment else "mnist")
            if problems:
                names = [FIELDS[name].label if name in FIELDS else "Hidden layers" for name in problems]
                st.error(f"Mend what is marked red before you train: {', '.join(names)}.", icon=":material/error:")
        with row:
            pressed = st.button(
                "Train",
                key="train",
                type="primary",
                icon=":material/play_arrow:",
                disabled=experiment is None or not ready,
            )
            step_by_step = st.toggle(
                "Step by step",
                key="train_paused",
                persist_state="session",
                help="Starts paused, so that you can go on by 1 step, 10 steps or 1 epoch at a time.",
            )
    if not lesson().locks("finder"):
        with st.expander("Learning-rate finder", key="rate_expander"):
            rate_finder(experiment if ready else None)
    with st.expander("Link to these settings, or a lesson", key="lesson_expander", icon=":material/link:"):
        if experiment:
            lesson_maker("train", experiment_address(experiment))
        else:
            st.caption("Mend what is marked red first.")
    if experiment:
        show_code(script(experiment), "train_code")

if pressed and experiment:
    st.session_state[SELECTED] = runs.queue.submit(experiment, owner(), paused=step_by_step).id
    # From here on the address is the run's; the lesson in it stays.
    write_in_address({"experiment": ""})
    # Once more from the top, so that the list at the side has it, too.
    st.rerun()

all_runs = visible_runs()
run = runs.queue.get(st.session_state.get(SELECTED, "")) or linked or (all_runs[0] if all_runs else None)
if run and not run.status.is_final:
    # On a phone the run is far below the button that started it.
    messages.caption(f"[{called(run)}](#run) is {run.status}.")

with run_column:
    # While a field is half typed, the last whole experiment stays in view, so that nothing jumps.
    shown = experiment or st.session_state.get("last_experiment")
    if shown:
        st.session_state["last_experiment"] = shown
        show_costs(shown)
    if run:
        if "experiment" not in st.query_params:
            write_in_address({"run": run.id})
        run_monitor(run)
    else:
        st.info("Nothing has been trained yet. Press Train: the loss curve appears here.", icon=":material/monitoring:")

if run and run.result:
    show_mistakes(run, run.result)
    st.subheader("Take it away")
    take_away(run)
