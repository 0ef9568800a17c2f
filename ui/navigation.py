"""Every page is reached through app.py, also by a link to it.

The folder is called `pages`, so Streamlit takes it for its older kind of multipage app until `st.navigation` has been
called once: for the very first visitor of a server, a link to a page would show that file alone, without title, theme,
width and sidebar.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

_SEEN = "seen_app"


def note_app() -> None:
    """Notes that app.py has run in this session; for app.py."""
    st.session_state[_SEEN] = True


def through_app() -> None:
    """Starts again from app.py if Streamlit has run this page by itself; for the top of every page but Start.

    Shows the mission that leads there, if one does.
    """
    check_app()
    # Here, since app.py imports this module before anything that takes long to import.
    from ui.missions.banner import mission_banner

    mission_banner()


def check_app() -> None:
    """Starts again from app.py if Streamlit has run this page by itself."""
    if _SEEN not in st.session_state:
        PagesManager.uses_pages_directory = False
        st.rerun()
