"""The mission at the top of the page that it leads to: task, question and answer, so that nobody has to go back."""

import streamlit as st

from ui.missions.answers import answers, leave, remember, underway
from ui.missions.task import ask_for_prediction, ask_for_result, outcome_of, show_task, show_verdict

_FOLDED = "mission_folded"


def mission_banner() -> None:
    """Shows the mission underway, if there is one."""
    mission = underway()
    remember()
    if mission is None:
        return
    folded = bool(st.session_state.get(_FOLDED))
    with st.container(border=True, key="mission_banner", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/flag: **{mission.title}**", width="stretch")
            st.button(
                "Show task" if folded else "Hide task",
                key="mission_fold",
                icon=":material/expand_more:" if folded else ":material/expand_less:",
                type="tertiary",
                on_click=_fold,
                args=(not folded,),
            )
            st.page_link("pages/start.py", label="Back to Start", icon=":material/home:", width="content")
            st.button(
                "Leave",
                key="mission_leave",
                icon=":material/close:",
                type="tertiary",
                on_click=leave,
                help="Takes this box away. The mission stays on the Start page as it is.",
            )
        if not folded:
            if mission.name not in answers().predictions:
                ask_for_prediction(mission)
            elif outcome := outcome_of(mission):
                show_verdict(mission, outcome)
                st.caption("Go back to Start to read what came out, and for the next mission.")
            else:
                show_task(mission)
                ask_for_result(mission)


def _fold(folded: bool) -> None:
    st.session_state[_FOLDED] = folded
