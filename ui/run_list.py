"""The runs at the side of every page, and the word when one of them ends."""

import math
import time

import streamlit as st

from mlpcore import runs
from mlpcore.comparison.job import jobs
from mlpcore.runs import Run, Status
from ui.comparison_start import JOB_TO_SHOW
from ui.field_inputs import plain
from ui.run_monitor import STATUS_BADGES
from ui.session import owner, visible_runs
from ui.words import percent

REFRESH_SECONDS = 2.0
SHOWN = 12
SELECTED = "run_id"
_ENDED, _ANNOUNCED = "ended_runs", "announced_runs"


@st.fragment(run_every=REFRESH_SECONDS)
def run_list() -> None:
    """Lists the newest runs with where they stand; a click shows one on the Train page."""
    all_runs = visible_runs()
    if problem := runs.queue.unsaved:
        st.warning(problem, icon=":material/save:")
    _announce(all_runs)
    for job in jobs.all():
        if (
            not job.is_over
            and job.owner == owner()
            and st.button(
                f"Comparison · {percent(job.progress, 0)}",
                key=f"job_{job.id}",
                icon=":material/compare_arrows:",
                type="tertiary",
                help="Shows it on the Compare page.",
            )
        ):
            st.session_state[JOB_TO_SHOW] = job.id
            st.switch_page("pages/compare.py")
    if not all_runs:
        st.caption("No runs yet. Start one on the Train page and it appears here, whatever page you are on.")
    for run in all_runs[:SHOWN]:
        if st.button(
            f"Run {run.number} · {_state(run)}",
            key=f"show_{run.id}",
            icon=STATUS_BADGES[run.status][0],
            type="tertiary",
            help=run.experiment.architecture.title,
        ):
            st.session_state[SELECTED] = run.id
            st.switch_page("pages/train.py")
    if len(all_runs) > SHOWN:
        st.caption(f"and {len(all_runs) - SHOWN} older")


def _state(run: Run) -> str:
    if run.outcome:
        return percent(run.outcome.test_accuracy)
    if run.status in (Status.TRAINING, Status.PAUSED):
        return f"{run.status} {percent(run.progress, 0)}"
    return run.status


def _announce(all_runs: list[Run]) -> None:
    ended = [run for run in all_runs if run.status.is_final]
    # When this session learned of each run's end; those before its own time are no news.
    seen: dict[str, float] = st.session_state.setdefault(_ENDED, dict.fromkeys((run.id for run in ended), -math.inf))
    announced: set[str] = st.session_state.setdefault(_ANNOUNCED, set(seen))
    for run in all_runs:
        # One that goes on after an interruption will end once more.
        if not run.status.is_final and run.id in seen:
            del seen[run.id]
            announced.discard(run.id)
    now = time.monotonic()
    for run in ended:
        if run.id not in announced and now - seen.get(run.id, math.inf) >= REFRESH_SECONDS / 2:
            announced.add(run.id)
            icon, _ = STATUS_BADGES[run.status]
            outcome = f": {percent(run.outcome.test_accuracy)} test accuracy" if run.outcome else ""
            st.toast(f"{plain(run.title)} {run.status}{outcome}", icon=icon, duration="long")
    news = [run for run in ended if run.id not in seen]
    seen.update(dict.fromkeys((run.id for run in news), now))
    if any(run.owner == owner() for run in news):
        # The whole page, since the new model joins those that can be asked. The word of it comes with a later run of
        # this list: a page that starts again in the same moment would swallow it.
        st.rerun()
