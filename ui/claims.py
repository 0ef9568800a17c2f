"""The tutorial's claims: predict, let it be tried, and read what came out."""

from dataclasses import dataclass

import streamlit as st

from mlpcore.claims import CLAIMS, Claim, Finding
from mlpcore.comparison.job import Job, jobs
from mlpcore.comparison.known import Known
from ui.comparing import follow
from ui.data_gate import dataset_ready
from ui.field_inputs import plain
from ui.navigation import came_by_link, note_in_address
from ui.session import owner

_CLAIM, _JOBS = "claim", "claim_jobs"


@dataclass(frozen=True, eq=False)
class Asked:
    """A claim that somebody looks into, and the place of the answer that they predicted."""

    claim: Claim
    prediction: int


def show_claims() -> None:
    """Lets one choose a claim, asks for a prediction, looks into it, and says what came out."""
    linked = st.query_params.get("claim", "")
    if linked and linked not in CLAIMS:
        st.warning(f"The link asks for a claim {linked[:40]!r}, and there is none.", icon=":material/link_off:")
    if _CLAIM not in st.session_state or (came_by_link() and linked in CLAIMS):
        st.session_state[_CLAIM] = linked if linked in CLAIMS else next(iter(CLAIMS))
    name = st.segmented_control(
        "What tutorials say about",
        list(CLAIMS),
        key=_CLAIM,
        format_func=lambda name: CLAIMS[name].title,
        required=True,
        persist_state="session",
    )
    assert name
    claim = CLAIMS[name]
    job = _job(claim)
    others = dict.fromkeys(["model", "all", "seeds", "important"], "")
    note_in_address({"claim": claim.name, "job": job.id if job else "", **others})
    st.markdown(plain(claim.says))
    st.caption(plain(claim.done))
    prediction = st.radio(
        claim.question,
        range(len(claim.answers)),
        index=job.subject.prediction if job and isinstance(job.subject, Asked) else None,
        key=f"prediction_{claim.name}",
        format_func=claim.answers.__getitem__,
        persist_state="session",
    )
    ready = dataset_ready("mnist")
    running = job is not None and not job.is_over
    pressed = st.button(
        "Try it again" if job and job.is_over else "Try it",
        key=f"try_{claim.name}",
        type="primary",
        icon=":material/science:",
        disabled=prediction is None or not ready or running,
        help="Predict first: what surprises you teaches you most." if prediction is None else None,
    )
    if pressed and prediction is not None:
        new = Job(Asked(claim, prediction), claim.investigate, owner(), known=Known(jobs), names=claim.names)
        jobs.add(new)
        st.session_state.setdefault(_JOBS, {})[claim.name] = new.id
        st.rerun()
    if job is None:
        return
    follow(job)
    if isinstance(job.outcome, Finding) and isinstance(job.subject, Asked):
        _show_finding(job, job.subject, job.outcome)


def turn_to(job: Job, asked: Asked) -> None:
    """Lets the next run of the page show this job."""
    st.session_state[_CLAIM] = asked.claim.name
    st.session_state.setdefault(_JOBS, {})[asked.claim.name] = job.id


def _job(claim: Claim) -> Job | None:
    """Where somebody here, or the address, looks into this claim."""
    here = st.session_state.get(_JOBS, {}).get(claim.name, "")
    job = jobs.get(here) or jobs.get(st.query_params.get("job", ""))
    return job if job and isinstance(job.subject, Asked) and job.subject.claim is claim else None


def _show_finding(job: Job, asked: Asked, finding: Finding) -> None:
    predicted = asked.claim.answers[asked.prediction]
    st.subheader("What came out")
    if finding.answer is None:
        st.info(f"None of the answers: you said “{predicted}”.", icon=":material/help:")
    elif finding.answer == asked.prediction:
        st.success(f"As you said: {predicted}.", icon=":material/check:")
    else:
        st.info(
            f"You said “{predicted}”. It came out otherwise: {asked.claim.answers[finding.answer]}.",
            icon=":material/lightbulb:",
        )
    first, *others = finding.sentences
    st.markdown(plain(first))
    for number, chart in enumerate(finding.charts):
        st.markdown(f"**{plain(chart.title)}**")
        st.plotly_chart(chart.figure, key=f"finding_{job.id}_{number}", alt=chart.alt, height=chart.height)
    st.subheader("What to make of it")
    for sentence in others:
        st.markdown(plain(sentence))
