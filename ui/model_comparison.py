"""Comparing models of one's own choice: what to compare, how it goes, what follows."""

import streamlit as st

from mlpcore.comparison.job import Job, jobs
from mlpcore.comparison.plan import Plan
from mlpcore.export import comparison_script
from ui.address import note_in_address
from ui.comparing import follow, show_curves
from ui.comparison_list import name_of
from ui.comparison_results import compared, show_conclusion, show_differences
from ui.comparison_setup import SETUPS, Setup, comparison_setup, seeds_fields, setup_from_address, start_anew
from ui.comparison_start import seen_before, start, time_needed
from ui.data_gate import dataset_ready
from ui.field_inputs import plain
from ui.lessons import lesson, lesson_maker
from ui.show_code import show_code
from ui.words import duration

JOB = "compare_job"


def compare_models() -> None:
    """Lets one put models side by side, trains them, and says what follows."""
    if problem := setup_from_address():
        st.warning(
            f"The link's set-up could not be used, so here is the usual one. {plain(problem)}",
            icon=":material/link_off:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if _may_start_anew():
            st.markdown(
                "Two comparisons to begin with",
                width="content",
                help="The first difference is plain to see. The second is the tutorial's, and shows what one run "
                "cannot tell.",
            )
        if _job():
            # It stands far below the fields.
            st.caption("[Down to the comparison](#comparison)", width="content")
    with st.container(horizontal=True):
        for title, architectures in SETUPS.items() if _may_start_anew() else ():
            st.button(
                title,
                key=f"compare_setup_{title[0]}",
                icon=":material/restart_alt:",
                on_click=start_anew,
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
    job = _job()
    plan = job.subject if job else None
    as_shown = setup.plan is None or setup.plan == plan
    note_in_address({"job": job.id if job and as_shown else "", "claim": ""})
    if job and isinstance(plan, Plan):
        st.header("Comparison", divider="gray", anchor="comparison")
        st.caption(plain(f"{name_of(job)}."))
        if not as_shown:
            st.info("The fields above now show something else than this comparison.", icon=":material/info:")
        follow(job)
        if job.is_over:
            _show_results(job, plan)
    elif setup.plan:
        st.info(
            "Press Compare: the curves of all models appear here while they learn, and then what follows from them.",
            icon=":material/compare_arrows:",
        )


def _say_what_it_takes(setup: Setup, ready: bool) -> None:
    if setup.plan is None:
        st.error("Mend what is marked red before you compare.", icon=":material/error:")
    elif ready:
        missing, seconds = time_needed(setup.plan)
        known = len(setup.plan.runs) - missing
        if missing:
            also = f"; {known} more were trained here before, and are not trained again" if known else ""
            st.caption(f"{missing} runs, about {duration(seconds)}{also}.")
        else:
            st.caption("All these runs were trained here before: equal settings and seeds give equal numbers.")
        if warning := seen_before(setup.plan):
            st.info(warning, icon=":material/visibility:")


def _show_results(job: Job, plan: Plan) -> None:
    comparison = compared(job, plan)
    if comparison is None:
        st.info("No run was finished, so there is nothing to compare.", icon=":material/info:")
        return
    show_conclusion(job, comparison)
    (_, first), (title, second) = SETUPS.items()
    at_first = [experiment.architecture.hidden for experiment in plan.experiments] == first
    if at_first and _may_start_anew():
        st.button(
            f"Next: {title}",
            key="compare_next",
            icon=":material/arrow_upward:",
            on_click=start_anew,
            args=(second,),
            help="Puts the tutorial's pair into the fields above.",
        )
    show_curves(job)
    show_differences(job, comparison)


def _may_start_anew() -> bool:
    # A ready-made comparison is one of hidden layers.
    return not (lesson().locks("presets") or lesson().locks("hidden"))


def _job() -> Job | None:
    job = jobs.get(st.session_state.get(JOB, "")) or jobs.get(st.query_params.get("job", ""))
    return job if job and isinstance(job.subject, Plan) else None
