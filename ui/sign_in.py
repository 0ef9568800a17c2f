"""Signing in, where the host has set up Streamlit's OpenID Connect: one's runs are then one's own in every browser."""

import logging
from collections.abc import Mapping
from typing import NoReturn

import streamlit as st
from streamlit.errors import StreamlitAuthError

from ui.words import plain

log = logging.getLogger(__name__)

_LONGEST = 60
"""Characters of a name that are shown."""


def sign_in() -> None:
    """Says who has signed in, or offers it; nothing where the host has not set it up."""
    if "is_logged_in" not in st.user:
        return
    with st.container(key="sign_in", gap="small"):
        if st.user.is_logged_in:
            name = st.user.get("name") or st.user.get("email") or st.user.get("sub")
            st.caption(f"Signed in as {plain(str(name)[:_LONGEST])}.")
            if st.button("Sign out", key="sign_out", icon=":material/logout:", type="tertiary"):
                st.logout()
                _wait_for_the_browser()
            return
        for provider in _providers():
            if st.button(
                f"Sign in with {provider}" if provider else "Sign in",
                key=f"sign_in_{provider}",
                icon=":material/login:",
                type="tertiary",
                help="Then your runs and drawings are yours in every browser. What you have now stays with this one, "
                "and is here again when you have signed out. You come back to the Start page: open a lesson's link "
                "afterwards.",
            ):
                _go_to(provider)


def _go_to(provider: str) -> None:
    try:
        st.login(provider or None)
        _wait_for_the_browser()
    except StreamlitAuthError:
        st.error(
            "Signing in is not set up as it should be. Please tell whoever runs this server; its log says more.",
            icon=":material/error:",
        )
        log.exception("The part [auth] of .streamlit/secrets.toml cannot be used.")


def _wait_for_the_browser() -> NoReturn:
    """Runs nothing more, since a page that started its run again would take back where the browser is to go."""
    st.stop()


def _providers() -> list[str]:
    """Those in `.streamlit/secrets.toml` by their names; the one without a name has its client right in [auth]."""
    auth = st.secrets["auth"]
    # Other tables, such as client_kwargs, are settings of the one without a name.
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value]
    return [""] * ("client_id" in auth) + named
