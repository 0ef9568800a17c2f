"""Signing in, where the host has set up Streamlit's OpenID Connect: one's runs are then one's own in every browser."""

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import streamlit as st
from streamlit.errors import StreamlitAuthError

from ui.session import browser
from ui.words import plain

log = logging.getLogger(__name__)

_LONGEST = 60
"""Characters of a name that are shown."""

_WAIT_SECONDS = 600.0
"""How long somebody may take to sign in and still come back to the page that they left."""

_MOST_PLACES = 1000


@dataclass(frozen=True)
class _Place:
    """The page that somebody left to sign in or out, as its path in the app's address."""

    page: str
    query: dict[str, list[str]]
    to_sign_in: bool
    left_at: float


_places: OrderedDict[str, _Place] = OrderedDict()
"""By the browser's name: the provider always leads back to the Start page."""


def come_back(page: str) -> None:
    """Goes on to the page that one has left to sign in or out; `page` is the one that is opened, empty for Start."""
    place = _places.get(browser())
    if page or place is None or place.to_sign_in != bool(st.user.get("is_logged_in")):
        return
    del _places[browser()]
    if time.monotonic() - place.left_at < _WAIT_SECONDS:
        st.switch_page(f"pages/{place.page}.py", query_params=place.query)


def sign_in(page: str) -> None:
    """Says who has signed in, or offers it, and remembers `page` meanwhile; nothing if the host has not set it up."""
    if "is_logged_in" not in st.user:
        return
    with st.container(key="sign_in", gap="small"):
        if st.user.is_logged_in:
            name = st.user.get("name") or st.user.get("email") or st.user.get("sub")
            st.caption(f"Signed in as {plain(str(name)[:_LONGEST])}.")
            if st.button("Sign out", key="sign_out", icon=":material/logout:", type="tertiary"):
                _leave(page, to_sign_in=False)
                st.logout()
                _wait_for_the_browser()
            return
        for provider in _providers():
            if st.button(
                f"Sign in with {provider}" if provider else "Sign in",
                key=f"sign_in_{provider}",
                icon=":material/login:",
                type="tertiary",
                help="Your new runs and drawings will be yours in every browser. Those you have now stay with this "
                "browser and are here again when you sign out.",
            ):
                _go_to(provider, page)


def _go_to(provider: str, page: str) -> None:
    try:
        st.login(provider or None)
        _leave(page, to_sign_in=True)
        _wait_for_the_browser()
    except StreamlitAuthError:
        st.error(
            "Sign-in is not set up correctly. Please tell the person who runs this server; its log has the details.",
            icon=":material/error:",
        )
        log.exception("The section [auth] of .streamlit/secrets.toml cannot be used.")


def _leave(page: str, *, to_sign_in: bool) -> None:
    if page:
        query = {name: st.query_params.get_all(name) for name in st.query_params}
        _places[browser()] = _Place(page, query, to_sign_in, time.monotonic())
        while len(_places) > _MOST_PLACES:
            _places.popitem(last=False)


def _wait_for_the_browser() -> NoReturn:
    """Runs nothing more: a page that starts its run again would take back where the browser is to go."""
    st.stop()


def _providers() -> list[str]:
    """Those in `.streamlit/secrets.toml` by their names; the one without a name has its client right in [auth]."""
    auth = st.secrets["auth"]
    # Other tables, such as client_kwargs, are settings of the one without a name.
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value]
    return [""] * ("client_id" in auth) + named
