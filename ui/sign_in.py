"""Signing in, where the host has set up Streamlit's OpenID Connect: one's runs are then one's own in every browser."""

from collections.abc import Mapping

import streamlit as st

from ui.words import plain

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
            st.button("Sign out", key="sign_out", icon=":material/logout:", type="tertiary", on_click=st.logout)
            return
        for provider in _providers():
            st.button(
                f"Sign in with {provider}" if provider else "Sign in",
                key=f"sign_in_{provider}",
                icon=":material/login:",
                type="tertiary",
                help="Then your runs and drawings are yours in every browser. What you have now stays with this one, "
                "and is here again when you have signed out.",
                on_click=st.login,
                args=(provider,) if provider else (),
            )


def _providers() -> list[str]:
    """Those in `.streamlit/secrets.toml` by their names; the one without a name has its client right in [auth]."""
    auth = st.secrets["auth"]
    return [""] * ("client_id" in auth) + [name for name, value in auth.items() if isinstance(value, Mapping)]
