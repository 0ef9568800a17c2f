"""A mission's task, question and answer, the same on the Start page and on the page that it leads to."""

import math

import streamlit as st

from mlpcore.claims import CLAIMS
from mlpcore.comparison.job import Job
from mlpcore.runs import Run
from ui.claims import PREDICTION
from ui.comparison_list import link_to
from ui.field_inputs import show_problem
from ui.missions.answers import MISSION, answers, begin
from ui.missions.catalog import Mission
from ui.missions.outcomes import DRAWINGS, Outcome, drawings, pair_to_compare, run_to_train
from ui.run_list import open_run
from ui.time_ahead import seconds_for_claim, seconds_to_train, untrained
from ui.words import duration, plain


def outcome_of(mission: Mission) -> Outcome | None:
    """What came out; nothing as long as the reader has not predicted."""
    if mission.name not in answers().predictions:
        return None
    return mission.outcome(answers().numbers.get(mission.name))


def ask_for_prediction(mission: Mission) -> None:
    """The question with its answers; the choice is final until the mission is started again."""
    answer = st.radio(
        mission.texts.question,
        range(len(mission.texts.answers)),
        index=None,
        key=f"predict_{mission.name}",
        format_func=mission.texts.answers.__getitem__,
    )
    if answer is None:
        st.caption("Predict first; then you are told what to do.")
    else:
        answers().predictions[mission.name] = answer
        st.rerun()


def show_task(mission: Mission) -> None:
    """The question, what was predicted, and what to do."""
    predicted = mission.texts.answers[answers().predictions[mission.name]]
    st.markdown(f"{mission.texts.question} You predicted: **{predicted}**")
    st.markdown(mission.texts.do)


def ask_for_result(mission: Mission) -> None:
    """The field for what the reader was asked to find out, or how far the app is with finding it out itself."""
    if not mission.texts.ask:
        st.caption(_still_to_come(mission))
        return
    text = st.text_input(mission.texts.ask, key=f"read_{mission.name}", width=360, persist_state="session").strip()
    # A place of its own, so that nothing moves.
    with st.container():
        if not text:
            return
        low, high = mission.texts.between
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            number = math.nan
        if not low <= number <= high or (mission.texts.whole and not number.is_integer()):
            kind = "a whole number" if mission.texts.whole else "a number"
            show_problem(f"{text[:20]!r} is not possible here: enter {kind} from {low:g} to {high:g}.")
            return
    answers().numbers[mission.name] = number
    st.rerun()


def _still_to_come(mission: Mission) -> str:
    if mission.name == "draw":
        return f"{min(len(drawings()), DRAWINGS)} of {DRAWINGS} drawings kept so far."
    seconds = _seconds_to_train(mission)
    time = f"The training takes about {duration(seconds)} on this computer. " if seconds else ""
    return f"{time}What came out for you appears here."


def _seconds_to_train(mission: Mission) -> float | None:
    match mission.name:
        case "train":
            return seconds_to_train(untrained([run_to_train()]))
        case "compare":
            return seconds_to_train(untrained(pair_to_compare().runs))
        case "overfitting":
            return seconds_for_claim(CLAIMS["overfitting"])
        case _:
            return None


def show_verdict(mission: Mission, outcome: Outcome) -> None:
    """Whether it came out as predicted."""
    prediction = answers().predictions[mission.name]
    predicted = mission.texts.answers[prediction]
    if outcome.answer == prediction:
        st.success(f"As you predicted: {predicted}.", icon=":material/check:")
    elif outcome.answer is None:
        st.info(f"You predicted “{predicted}”. The result supports none of the answers.", icon=":material/help:")
    else:
        came_out = mission.texts.answers[outcome.answer]
        st.info(f"You predicted “{predicted}”. The result: {came_out}.", icon=":material/lightbulb:")


def show_outcome(mission: Mission, outcome: Outcome) -> None:
    """What came out, in full, with a link to the run or the comparison behind it."""
    show_verdict(mission, outcome)
    st.markdown(mission.texts.told.format_map(outcome.values))
    match outcome.evidence:
        case Run() as run:
            if st.button("Open the run", key=f"see_{mission.name}", icon=":material/monitoring:", type="tertiary"):
                begin(mission.name)
                open_run(run)
        case Job() as job:
            st.page_link(
                "pages/compare.py",
                label="Open the result",
                icon=":material/compare_arrows:",
                query_params={**link_to(job), MISSION: mission.name},
            )


def link_to_page(mission: Mission) -> None:
    """The link to where the mission is done."""
    address = {**mission.address, MISSION: mission.name}
    if mission.name == "overfitting":
        # Its page asks the same question, and once is enough.
        address[PREDICTION] = str(answers().predictions[mission.name])
    st.page_link(
        mission.page, label=f"Go to {mission.page_title}", icon=":material/arrow_forward:", query_params=address
    )


def found_in_short(mission: Mission, outcome: Outcome) -> str:
    """What came out, in one sentence of Markdown."""
    return f"**{plain(mission.texts.title)}:** {mission.texts.found.format_map(outcome.values)}"
