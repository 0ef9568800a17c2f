"""Every page is reached through app.py, also by a link to it.

The folder is called `pages`, so Streamlit takes it for its older kind of app with many pages, until `st.navigation`
has been called once: to the very first visitor of a server, a link to a page would show that file alone, without title,
theme width and sidebar.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from ui.address import write_in_address
from ui.texts import mission_titles

MISSION = "mission"
"""Where the address of a link from the start page names the mission that it belongs to."""

_SEEN, _MISSION = "seen_app", "mission_underway"


def note_app() -> None:
    """Notes that app.py has run in this session; for app.py."""
    st.session_state[_SEEN] = True


def through_app() -> None:
    """Starts again from app.py if Streamlit has run this page by itself; for the top of every page.

    To whoever is on a mission it shows the way back.
    """
    if _SEEN not in st.session_state:
        PagesManager.uses_pages_directory = False
        st.rerun()
    _show_way_back()


def begin_mission(name: str) -> None:
    """Notes that a mission leads to the page that is shown next."""
    st.session_state[_MISSION] = name


def end_mission() -> None:
    """Whoever is back at the start page needs no way there; for its top."""
    st.session_state.pop(_MISSION, None)


def _show_way_back() -> None:
    # Out of the address, so that a link that is passed on sends nobody on a mission.
    if name := st.query_params.get(MISSION, ""):
        write_in_address({MISSION: ""})
        begin_mission(name)
    titles = mission_titles()
    name = st.session_state.get(_MISSION, "")
    if name not in titles:
        return
    number = list(titles).index(name) + 1
    with st.container(horizontal=True, vertical_alignment="center", key="way_back"):
        st.page_link(
            "pages/start.py",
            label=f"Back to mission {number}: {titles[name]}",
            icon=":material/flag:",
            width="content",
        )
        st.button(
            "Hide",
            key="hide_way_back",
            icon=":material/close:",
            type="tertiary",
            on_click=end_mission,
            help="The mission stays on the start page as it is.",
        )
