"""The runs and comparisons in the sidebar of every page, and a toast when one of them ends."""

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
    """A run or a comparison of the visitor, and what the toast says when it has ended."""

    id: str
    is_over: bool
    icon: str
    message: Callable[[], str]


@st.fragment(run_every=REFRESH_SECONDS)
def run_list() -> None:
    """Lists the visitor's newest runs and comparisons, and below them the runs of others; a click opens one."""
    me, all_runs, all_jobs = owner(), visible_runs(), my_jobs()
    mine = [run for run in all_runs if run.owner == me]
    others = [run for run in all_runs if run.owner != me]
    if problem := runs.queue.unsaved:
        st.warning(plain(problem), icon=":material/save:")
    _announce([*_listed_runs(mine), *_listed_jobs(all_jobs)])
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
    if not mine and not all_jobs:
        st.caption("No runs yet. Start one on the Train page, and it appears here on every page.")
    _show_runs(mine, _state)
    if others:
        with st.expander(f"Runs of others ({len(others)})", icon=":material/group:", key="runs_of_others"):
            # Without accuracies, which would give away the answer to a lesson's question.
            _show_runs(others, _progress)


def _show_runs(listed: list[Run], state: Callable[[Run], str]) -> None:
    for run in listed[:SHOWN]:
        if st.button(
            f"{called(run)} · {state(run)}",
            key=f"show_{run.id}",
            icon=STATUS_BADGES[run.status][0],
            type="tertiary",
            help=run.experiment.architecture.title,
        ):
            open_run(run)
    if len(listed) > SHOWN:
        st.page_link("pages/runs.py", label=f"{len(listed) - SHOWN} older", icon=":material/inventory_2:")


def open_run(run: Run) -> NoReturn:
    """Shows a run on the Train page."""
    st.session_state[SELECTED] = run.id
    st.switch_page("pages/train.py", query_params={"run": run.id})


def _state(run: Run) -> str:
    return percent(run.outcome.test_accuracy) if run.outcome else _progress(run)


def _progress(run: Run) -> str:
    if run.status in (Status.TRAINING, Status.PAUSED):
        return f"{run.status} {percent(run.progress, 0)}"
    return run.status


def _listed_runs(mine: list[Run]) -> Iterator[_Listed]:
    for run in mine:
        yield _Listed(run.id, run.status.is_final, STATUS_BADGES[run.status][0], partial(_message_of, run))


def _message_of(run: Run) -> str:
    outcome = f": {percent(run.outcome.test_accuracy)} test accuracy" if run.outcome else ""
    return f"{plain(title_of(run))} {run.status}{outcome}"


def _listed_jobs(all_jobs: list[Job]) -> Iterator[_Listed]:
    for job in all_jobs:
        yield _Listed(job.id, job.is_over, icon_of(job), partial(_message_of_job, job))


def _message_of_job(job: Job) -> str:
    return plain(f"{name_of(job)} {state_of(job)}. {result_of(job)}")


def _announce(listed: list[_Listed]) -> None:
    ended = [each for each in listed if each.is_over]
    # When this session noticed that each one had ended; those that ended before the session are no news.
    seen: dict[str, float] = st.session_state.setdefault(_ENDED, dict.fromkeys((each.id for each in ended), -math.inf))
    announced: set[str] = st.session_state.setdefault(_ANNOUNCED, set(seen))
    for each in listed:
        # A run that is resumed after an interruption will end a second time.
        if not each.is_over and each.id in seen:
            del seen[each.id]
            announced.discard(each.id)
    now = time.monotonic()
    for each in ended:
        if each.id not in announced and now - seen.get(each.id, math.inf) >= REFRESH_SECONDS / 2:
            announced.add(each.id)
            st.toast(each.message(), icon=each.icon, duration="long")
    news = [each for each in ended if each.id not in seen]
    seen.update(dict.fromkeys((each.id for each in news), now))
    if news:
        # The whole page, since the new model becomes available there. The toast comes with a later run of this
        # fragment: a page that reruns at the same moment would swallow it.
        st.rerun()
