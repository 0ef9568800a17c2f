"""The tutorial's claims: predict, run the experiment, read the result."""

from dataclasses import dataclass

import streamlit as st

from mlpcore.claims import CLAIMS, Claim, Finding
from mlpcore.comparison.job import Job, jobs
from mlpcore.comparison.plan import names_of
from mlpcore.comparison.result_cache import ResultCache
from mlpcore.export import script
from ui.address import came_by_link, note_in_address
from ui.comparing import follow
from ui.data_gate import dataset_ready
from ui.lessons import claim_lesson
from ui.session import owner
from ui.time_ahead import say_how_long
from ui.words import plain

PREDICTION = "prediction"
"""The URL parameter with the place of an answer that was predicted on another page."""

_CLAIM, _JOBS = "claim", "claim_jobs"


@dataclass(frozen=True, eq=False)
class Asked:
    """A claim under investigation, and the place of the answer that was predicted."""

    claim: Claim
    prediction: int


def show_claims() -> None:
    """Asks for a claim and a prediction, runs the experiment, and shows the result."""
    linked = st.query_params.get("claim", "")
    if linked and linked not in CLAIMS:
        st.warning(
            f"The link asks for the claim {plain(repr(linked[:40]))}, which does not exist.", icon=":material/link_off:"
        )
    if _CLAIM not in st.session_state or (came_by_link() and linked in CLAIMS):
        st.session_state[_CLAIM] = linked if linked in CLAIMS else next(iter(CLAIMS))
        _take_prediction(CLAIMS[st.session_state[_CLAIM]], st.query_params.get(PREDICTION, ""))
    name = st.segmented_control(
        "Claims about",
        list(CLAIMS),
        key=_CLAIM,
        format_func=lambda name: CLAIMS[name].title,
        required=True,
        persist_state="session",
    )
    assert name
    claim = CLAIMS[name]
    job = _job(claim)
    others = dict.fromkeys(["model", "all", "seeds", "important", PREDICTION], "")
    note_in_address({"claim": claim.name, "job": job.id if job else "", **others})
    st.markdown(plain(claim.says))
    st.caption(plain(claim.done))
    if job and isinstance(job.subject, Asked):
        st.session_state.setdefault(_prediction_key(claim), job.subject.prediction)
    prediction = st.radio(
        claim.question,
        range(len(claim.answers)),
        index=None,
        key=_prediction_key(claim),
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
        help="Choose a prediction first: you learn most from what surprises you." if prediction is None else None,
    )
    if ready and not running:
        say_how_long(claim)
    if pressed and prediction is not None:
        new = Job(Asked(claim, prediction), claim.investigate, owner(), cache=ResultCache(jobs), names=claim.names)
        jobs.add(new)
        st.session_state.setdefault(_JOBS, {})[claim.name] = new.id
        st.rerun()
    claim_lesson(claim.name)
    if job is None:
        return
    follow(job)
    if isinstance(job.outcome, Finding) and isinstance(job.subject, Asked):
        _show_finding(job, job.subject, job.outcome)


def turn_to(job: Job, asked: Asked) -> None:
    """Makes the next run of the page show this job."""
    st.session_state[_CLAIM] = asked.claim.name
    st.session_state.setdefault(_JOBS, {})[asked.claim.name] = job.id
    st.session_state[_prediction_key(asked.claim)] = asked.prediction


def in_short(asked: Asked, finding: Finding) -> str:
    """The prediction and the result in a sentence."""
    predicted = asked.claim.answers[asked.prediction]
    if finding.answer is None:
        return f"The result supports none of the answers. You predicted “{predicted}”."
    if finding.answer == asked.prediction:
        return f"As you predicted: {predicted}."
    return f"You predicted “{predicted}”. The result is different: {asked.claim.answers[finding.answer]}."


def _prediction_key(claim: Claim) -> str:
    return f"prediction_{claim.name}"


def _take_prediction(claim: Claim, place: str) -> None:
    """Takes over a prediction made on another page; anything that is not one of the answers is ignored."""
    if place in map(str, range(len(claim.answers))):
        st.session_state[_prediction_key(claim)] = int(place)


def _job(claim: Claim) -> Job | None:
    """This session's investigation of the claim, or that of the address."""
    here = st.session_state.get(_JOBS, {}).get(claim.name, "")
    job = jobs.get(here) or jobs.get(st.query_params.get("job", ""))
    return job if job and isinstance(job.subject, Asked) and job.subject.claim is claim else None


def _show_finding(job: Job, asked: Asked, finding: Finding) -> None:
    st.subheader("Result")
    if finding.answer == asked.prediction:
        st.success(in_short(asked, finding), icon=":material/check:")
    else:
        st.info(in_short(asked, finding), icon=f":material/{'help' if finding.answer is None else 'lightbulb'}:")
    first, *others = finding.sentences
    st.markdown(plain(first))
    for number, chart in enumerate(finding.charts):
        st.markdown(f"**{plain(chart.title)}**")
        st.plotly_chart(chart.figure, key=f"finding_{job.id}_{number}", alt=chart.alt, height=chart.height)
    st.subheader("What it means")
    for sentence in others:
        st.markdown(plain(sentence))
    _show_code(job)


def _show_code(job: Job) -> None:
    """The script of each kind of training run; what was measured besides is in the charts."""
    kinds = dict.fromkeys(experiment.changed(seed=0) for batch in job.batches for experiment in batch.experiments)
    if not kinds:
        return
    names = names_of(list(kinds))
    experiments = {job.names.get(experiment, name): experiment for experiment, name in zip(kinds, names, strict=True)}
    with st.expander("Show the code", icon=":material/code:", key=f"claim_code_{job.id}"):
        name = st.selectbox("Training run", list(experiments), key=f"claim_code_of_{job.id}", width=420)
        st.code(script(experiments[name]), language="python")
