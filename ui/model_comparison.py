"""Comparing models of the visitor's choice: the set-up, the progress, the results."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlpcore.comparison.job import Job, jobs
from mlpcore.comparison.plan import Plan
from mlpcore.export import comparison_script
from ui.address import note_in_address
from ui.comparing import follow, show_curves
from ui.comparison_list import name_of
from ui.comparison_results import compared, show_conclusion, show_differences
from ui.comparison_setup import SETUPS, Setup, comparison_setup, seeds_fields, setup_from_address, start_over
from ui.comparison_start import seen_before, start
from ui.data_gate import dataset_ready
from ui.lessons import lesson, lesson_maker
from ui.scroll import scroll_here
from ui.show_code import show_code
from ui.time_ahead import seconds_to_train, untrained
from ui.words import duration, plain

JOB = "compare_job"


def compare_models() -> None:
    """Asks for models to compare, trains them, and shows the results, which come first once there are some."""
    if problem := setup_from_address():
        st.warning(
            f"The set-up in the link could not be used, so here is the usual one. {plain(problem)}",
            icon=":material/link_off:",
        )
    job = _job()
    with _place_of_setup(job):
        setup = _ask()
    if job is None:
        note_in_address({"job": "", "claim": ""})
        if setup.plan:
            st.info(
                "Press Compare. The curves of all models appear here while they train, followed by the conclusion.",
                icon=":material/compare_arrows:",
            )
        return
    plan = job.subject
    assert isinstance(plan, Plan)
    is_of_setup = setup.plan is None or setup.plan == plan
    note_in_address({"job": job.id if is_of_setup else "", "claim": ""})
    scroll_here(f"compare_top_{job.id}")
    st.header("Comparison", divider="gray", anchor="comparison")
    st.caption(plain(f"{name_of(job)}."))
    if not is_of_setup:
        st.info("The set-up above differs from this comparison.", icon=":material/info:")
    follow(job)
    if job.is_over:
        _show_results(job, plan)


def _place_of_setup(job: Job | None) -> DeltaGenerator:
    """Folded away once there is a comparison to show, whose result must not stand below all the settings."""
    if job is None:
        return st.container(key="compare_setup")
    return st.expander("Change the set-up", icon=":material/tune:", key=f"compare_setup_of_{job.id}")


def _ask() -> Setup:
    """The set-up and the button that starts the comparison."""
    if _may_start_over():
        st.markdown(
            "Two comparisons to start with",
            help="The first shows a clear difference. The second is the tutorial's pair, and shows what a single run "
            "cannot tell.",
        )
        with st.container(horizontal=True):
            for title, architectures in SETUPS.items():
                st.button(
                    title,
                    key=f"compare_setup_{title[0]}",
                    icon=":material/restart_alt:",
                    on_click=start_over,
                    args=(architectures,),
                )
    setup = comparison_setup()
    ready = dataset_ready(setup.plan.experiments[0].data.dataset if setup.plan else "mnist")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds_fields(setup.problems)
        pressed = st.button(
            "Compare", key="compare", type="primary", icon=":material/play_arrow:", disabled=not (setup.plan and ready)
        )
    _say_what_it_takes(setup, ready)
    if setup.plan:
        with st.expander("Link to this set-up, or a lesson", key="compare_lesson", icon=":material/link:"):
            lesson_maker("compare", setup.address)
        show_code(comparison_script(setup.plan), "compare_code")
    if pressed and setup.plan:
        st.session_state[JOB] = start(setup.plan).id
        st.rerun()
    return setup


def _say_what_it_takes(setup: Setup, ready: bool) -> None:
    if setup.plan is None:
        st.error("Fix the fields marked in red first.", icon=":material/error:")
    elif ready:
        to_train = untrained(setup.plan.runs)
        reused = len(setup.plan.runs) - len(to_train)
        if to_train:
            also = f"; the results of {reused} more, trained earlier, are reused" if reused else ""
            st.caption(f"{len(to_train)} runs, about {duration(seconds_to_train(to_train))}{also}.")
        else:
            st.caption("All these runs were trained earlier: equal settings and seeds give equal numbers.")
        if warning := seen_before(setup.plan):
            st.info(warning, icon=":material/visibility:")


def _show_results(job: Job, plan: Plan) -> None:
    comparison = compared(job, plan)
    if comparison is None:
        st.info("No run is finished, so there is nothing to compare.", icon=":material/info:")
        return
    show_conclusion(job, comparison)
    (_, first), (title, second) = SETUPS.items()
    at_first = [experiment.architecture.hidden for experiment in plan.experiments] == first
    if at_first and _may_start_over():
        st.button(
            f"Next: {title}",
            key="compare_next",
            icon=":material/arrow_forward:",
            on_click=_set_up_next,
            args=(second,),
            help="Opens the set-up with the tutorial's pair.",
        )
    show_curves(job)
    show_differences(job, comparison)


def _set_up_next(architectures: list[tuple[int, ...]]) -> None:
    start_over(architectures)
    # The comparison that was shown stays in the list.
    st.session_state.pop(JOB, None)
    note_in_address({"job": ""})


def _may_start_over() -> bool:
    # The ready-made comparisons set the hidden layers.
    return not (lesson().locks("presets") or lesson().locks("hidden"))


def _job() -> Job | None:
    job = jobs.get(st.session_state.get(JOB, "")) or jobs.get(st.query_params.get("job", ""))
    return job if job and isinstance(job.subject, Plan) else None
