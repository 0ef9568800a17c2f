"""The missions on the Start page: the one that the reader comes back from, all six, and a summary at the end."""

import streamlit as st

from ui.missions.answers import answers, come_back, remember
from ui.missions.catalog import Mission, missions
from ui.missions.outcomes import Outcome
from ui.missions.task import (
    ask_for_prediction,
    ask_for_result,
    found_in_short,
    link_to_page,
    outcome_of,
    show_outcome,
    show_task,
)

_OLD = "missions_old"
"""Key of the session's state for the missions that were finished before this visit, which stay folded."""


def show_current_mission() -> bool:
    """Shows the mission that the reader comes back from, with the way on; False if there is none."""
    come_back()
    remember()
    mission = missions().get(answers().at)
    if mission is None:
        return False
    outcome = outcome_of(mission)
    with st.container(border=True, key="mission_current"):
        st.subheader(mission.title, anchor=False)
        _show(mission, outcome)
        with st.container(horizontal=True):
            following = next((other for other in missions().values() if other.number == mission.number + 1), None)
            if outcome and following:
                st.button(
                    f"Next: {following.texts.title}",
                    key="mission_next",
                    type="primary",
                    icon=":material/arrow_forward:",
                    on_click=_go_to,
                    args=(following.name,),
                )
            st.button(
                "All missions", key="mission_all", type="tertiary", icon=":material/list:", on_click=_go_to, args=("",)
            )
    return True


def show_missions() -> None:
    """All missions, each with what the reader has predicted and found."""
    outcomes = {mission.name: outcome_of(mission) for mission in missions().values()}
    if all(outcomes.values()):
        _show_summary({name: outcome for name, outcome in outcomes.items() if outcome})
    # What was found before this visit is folded away; what is news stays open.
    old: set[str] = st.session_state.setdefault(_OLD, {name for name, outcome in outcomes.items() if outcome})
    for mission in missions().values():
        outcome, begun = outcomes[mission.name], mission.name in answers().predictions
        icon = f":material/{'check_circle' if outcome else 'pending' if begun else 'radio_button_unchecked'}:"
        title = f"**{mission.number}. {mission.texts.title}** · {mission.texts.minutes} minutes · {mission.page_title}"
        if mission.name == answers().at:
            st.markdown(f"{icon} {title} · at the top of this page")
            continue
        with st.expander(title, icon=icon, expanded=begun and mission.name not in old, key=f"mission_{mission.name}"):
            _show(mission, outcome)


def _show(mission: Mission, outcome: Outcome | None) -> None:
    st.markdown(mission.texts.why)
    if mission.name not in answers().predictions:
        ask_for_prediction(mission)
        return
    show_task(mission)
    link_to_page(mission)
    if outcome is None:
        ask_for_result(mission)
    else:
        show_outcome(mission, outcome)
    st.button(
        "Start this mission again",
        key=f"again_{mission.name}",
        type="tertiary",
        icon=":material/restart_alt:",
        on_click=_start_again,
        args=(mission.name,),
    )


def _show_summary(outcomes: dict[str, Outcome]) -> None:
    """The end: what was found, and where to go from here."""
    right = sum(outcome.answer == answers().predictions[name] for name, outcome in outcomes.items())
    with st.container(border=True, key="missions_done"):
        st.markdown(
            f":material/emoji_events: **All {len(outcomes)} missions done.** {_predicted(right, len(outcomes))}"
        )
        st.markdown("\n".join(f"- {found_in_short(missions()[name], outcome)}" for name, outcome in outcomes.items()))
        st.markdown("**What next?**")
        with st.container(horizontal=True):
            st.page_link(
                "pages/compare.py",
                label="Test what tutorials claim",
                icon=":material/science:",
                query_params={"claim": "capacity"},
            )
            st.page_link("pages/train.py", label="Beat your best network", icon=":material/model_training:")
            st.page_link(
                "pages/draw.py",
                label="Teach a model your handwriting",
                icon=":material/school:",
                query_params={"tab": "digits"},
            )


def _predicted(right: int, all_of_them: int) -> str:
    if right == all_of_them:
        return "You predicted every result."
    return f"You predicted {right} of {all_of_them} results. The others are where there was most to learn."


def _go_to(name: str) -> None:
    answers().at = name


def _start_again(name: str) -> None:
    answers().predictions.pop(name, None)
    answers().numbers.pop(name, None)
    for key in (f"predict_{name}", f"read_{name}"):
        st.session_state.pop(key, None)
