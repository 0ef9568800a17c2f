"""The visitor's comparisons and claims since the server started: what each is called and how far it is."""

import streamlit as st

from mlpcore.claims import Finding
from mlpcore.comparison.job import JOBS_KEPT, Job, jobs
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.verdict import architectures_sentence, short_sentence
from ui.address import replace_address
from ui.claims import Asked, in_short
from ui.comparison_results import compared
from ui.comparison_setup import address_of
from ui.lessons import lesson
from ui.local_time import date_and_time
from ui.session import owner
from ui.words import percent, plain

_ASKED_FOR = "job_asked_for"


def my_jobs() -> list[Job]:
    """The visitor's own comparisons, the newest first."""
    return [job for job in jobs.all() if job.owner == owner()]


def comparison_list() -> None:
    """An expander with a button for each comparison, which shows it again."""
    mine = my_jobs()
    if not mine:
        return
    running = sum(not job.is_over for job in mine)
    title = f"Your comparisons: {len(mine)}" + (f" ({running} running)" if running else "")
    with st.expander(title, icon=":material/history:", key="comparison_list"):
        for job in mine:
            with st.container(key=f"listed_{job.id}", gap=None):
                _show(job)
        st.caption(f"The server keeps the newest {JOBS_KEPT} comparisons of all its visitors, until it stops.")


def _show(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{icon_of(job)} **{plain(name_of(job))}**", width="stretch")
        # Not a page link, which would look like the one of the page that is open.
        st.button(
            "Show",
            key=f"show_{job.id}",
            type="tertiary",
            icon=":material/arrow_downward:",
            on_click=ask_for,
            args=(job,),
        )
    st.caption(" · ".join(filter(None, [date_and_time(job.created), state_of(job), plain(result_of(job))])))


def name_of(job: Job) -> str:
    """What is compared, in words."""
    if isinstance(job.subject, Plan):
        seeds = len(job.subject.seeds)
        return f"{'; '.join(job.subject.names)}: {'1 seed' if seeds == 1 else f'{seeds} seeds'} each"
    return f"Claim: {job.subject.claim.title}" if isinstance(job.subject, Asked) else "Comparison"


def icon_of(job: Job) -> str:
    """The icon of its state."""
    if not job.is_over:
        return ":material/pending:"
    return ":material/error:" if job.error else ":material/cancel:" if job.cancelled else ":material/check_circle:"


def in_brief(job: Job) -> str:
    """What it is and how far it is, for a narrow place."""
    kind, title = ("Claim", job.subject.claim.title) if isinstance(job.subject, Asked) else 2 * ("Comparison",)
    if not job.is_over:
        return f"{kind} · {percent(job.progress, 0)}"
    return title if job.outcome else f"{kind} · {state_of(job)}"


def state_of(job: Job) -> str:
    """Its state, in a word or two."""
    if not job.is_over:
        return f"running {percent(job.progress, 0)}"
    return "failed" if job.error else "cancelled" if job.cancelled else "done"


def result_of(job: Job) -> str:
    """Its result, in a sentence; empty until there is one."""
    if job.error:
        return job.error
    if isinstance(job.subject, Asked) and isinstance(job.outcome, Finding):
        return in_short(job.subject, job.outcome)
    comparison = compared(job, job.subject) if isinstance(job.subject, Plan) and job.is_over else None
    if comparison is None or not comparison.is_complete:
        return ""
    if len(comparison.pairs) == 1:
        return short_sentence(comparison)
    return architectures_sentence(comparison)


def ask_for(job: Job) -> None:
    """Makes the next run of the Compare page show it.

    The address alone would not do: a fragment that refreshes at the same moment would bring the old one back.
    """
    st.session_state[_ASKED_FOR] = job.id


def take_what_is_asked_for() -> None:
    """Puts the requested comparison into the address of the Compare page, as if the visitor had followed a link."""
    if job := jobs.get(st.session_state.pop(_ASKED_FOR, "")):
        replace_address(link_to(job))


def link_to(job: Job) -> dict[str, str | list[str]]:
    """The address of the Compare page that shows it, with its set-up unless a lesson has set another."""
    if isinstance(job.subject, Plan):
        return {**({} if lesson() else address_of(job.subject)), "job": job.id}
    return {"claim": job.subject.claim.name, "job": job.id} if isinstance(job.subject, Asked) else {"job": job.id}
