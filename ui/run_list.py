"""The runs and comparisons at the side of every page, and the word when one of them ends."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import streamlit as st

from mlpcore import runs
from mlpcore.comparison.job import Job
from mlpcore.runs import Run, Status
from ui.comparison_list import ask_for, icon_of, in_brief, my_jobs, name_of, result_of, state_of
from ui.run_monitor import STATUS_BADGES
from ui.session import called, owner, title_of, visible_runs
from ui.words import percent, plain

REFRESH_SECONDS = 2.0
SHOWN, JOBS_SHOWN = 12, 3
SELECTED = "run_id"
_ENDED, _ANNOUNCED = "ended_runs", "announced_runs"


@dataclass(frozen=True)
class _Listed:
    """A run or a comparison, and the word when it has ended."""

    id: str
    is_over: bool
    is_mine: bool
    icon: str
    word: Callable[[], str]


@st.fragment(run_every=REFRESH_SECONDS)
def run_list() -> None:
    """Lists the newest runs and comparisons with where they stand; a click shows one on its page."""
    all_runs, all_jobs = visible_runs(), my_jobs()
    if problem := runs.queue.unsaved:
        st.warning(problem, icon=":material/save:")
    _announce([*_listed_runs(all_runs), *_listed_jobs(all_jobs)])
    for job in all_jobs[:JOBS_SHOWN]:
        if st.button(
            in_brief(job),
            key=f"job_{job.id}",
            icon=icon_of(job) if job.is_over else ":material/compare_arrows:",
            type="tertiary",
            help=plain(name_of(job)),
        ):
            ask_for(job)
            st.switch_page("pages/compare.py")
    if not all_runs and not all_jobs:
        st.caption("No runs yet. Start one on the Train page and it appears here, whatever page you are on.")
    for run in all_runs[:SHOWN]:
        if st.button(
            f"{called(run)} · {_state(run)}",
            key=f"show_{run.id}",
            icon=STATUS_BADGES[run.status][0],
            type="tertiary",
            help=run.experiment.architecture.title,
        ):
            open_run(run)
    if len(all_runs) > SHOWN:
        st.caption(f"and {len(all_runs) - SHOWN} older")


def open_run(run: Run) -> NoReturn:
    """Shows a run on the Train page."""
    st.session_state[SELECTED] = run.id
    st.switch_page("pages/train.py", query_params={"run": run.id})


def _state(run: Run) -> str:
    if run.outcome:
        return percent(run.outcome.test_accuracy)
    if run.status in (Status.TRAINING, Status.PAUSED):
        return f"{run.status} {percent(run.progress, 0)}"
    return run.status


def _listed_runs(all_runs: list[Run]) -> Iterator[_Listed]:
    me = owner()
    for run in all_runs:
        yield _Listed(
            run.id, run.status.is_final, run.owner == me, STATUS_BADGES[run.status][0], partial(_word_of, run)
        )


def _word_of(run: Run) -> str:
    outcome = f": {percent(run.outcome.test_accuracy)} test accuracy" if run.outcome else ""
    return f"{plain(title_of(run))} {run.status}{outcome}"


def _listed_jobs(all_jobs: list[Job]) -> Iterator[_Listed]:
    for job in all_jobs:
        yield _Listed(job.id, job.is_over, True, icon_of(job), partial(_word_of_job, job))


def _word_of_job(job: Job) -> str:
    return plain(f"{name_of(job)} {state_of(job)}. {result_of(job)}")


def _announce(listed: list[_Listed]) -> None:
    ended = [each for each in listed if each.is_over]
    # When this session learned of each one's end; those before its own time are no news.
    seen: dict[str, float] = st.session_state.setdefault(_ENDED, dict.fromkeys((each.id for each in ended), -math.inf))
    announced: set[str] = st.session_state.setdefault(_ANNOUNCED, set(seen))
    for each in listed:
        # One that goes on after an interruption will end once more.
        if not each.is_over and each.id in seen:
            del seen[each.id]
            announced.discard(each.id)
    now = time.monotonic()
    for each in ended:
        if each.id not in announced and now - seen.get(each.id, math.inf) >= REFRESH_SECONDS / 2:
            announced.add(each.id)
            st.toast(each.word(), icon=each.icon, duration="long")
    news = [each for each in ended if each.id not in seen]
    seen.update(dict.fromkeys((each.id for each in news), now))
    if any(each.is_mine for each in news):
        # The whole page, since the new model joins those that can be asked. The word of it comes with a later run of
        # this list: a page that starts again in the same moment would swallow it.
        st.rerun()
