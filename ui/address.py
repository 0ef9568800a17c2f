"""A page's address in the browser: what the page writes into it, and when something in it is new.

A click right after another one still comes with the address from before the first. It is not a link that somebody has
followed, and must not undo what the first click changed. So what counts is the address that the session has given to
the page, not one that it has just left.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

_NOTED, _WHEREABOUTS = "noted_address", "whereabouts"

_Address = dict[str, list[str]]

_ECHO_SECONDS = 5.0
"""How long a browser may take to learn a page's new address: over a slow network, or while it draws charts."""


@dataclass
class _Whereabouts:
    """Where the session is, and the addresses that it has left recently, each with the time."""

    page: str
    address: _Address
    left: list[tuple[_Address, float]] = field(default_factory=list)

    def move_to(self, address: _Address) -> None:
        if address != self.address:
            self.left = [*self._left_lately(), (self.address, time.monotonic())]
            self.address = address

    def has_left(self, address: _Address) -> bool:
        return address != self.address and any(old == address for old, _ in self._left_lately())

    def _left_lately(self) -> list[tuple[_Address, float]]:
        now = time.monotonic()
        return [(old, since) for old, since in self.left if now - since < _ECHO_SECONDS]


def note_page(page: str) -> None:
    """Notes which page is shown, and corrects its address if the browser has not learned it yet; for app.py."""
    here = _whereabouts()
    if here is None or here.page != page:
        st.session_state[_WHEREABOUTS] = _Whereabouts(page, _address())
    else:
        _catch_up(here)


def note_in_address(values: Mapping[str, str | list[str]]) -> None:
    """Writes what the page shows into its address, so that a link brings it back."""
    write_in_address(values)
    note_link()


def write_in_address(values: Mapping[str, str | list[str]]) -> None:
    """Writes values into the page's address and removes empty ones; only if that changes anything."""
    if here := _whereabouts():
        _catch_up(here)
    address = _address()
    for name, value in values.items():
        wanted = [value] if isinstance(value, str) else value
        if any(wanted):
            address[name] = wanted
        else:
            address.pop(name, None)
    # All at once, since each change is a step for the browser's Back button.
    if address != _address():
        replace_address(address)


def replace_address(address: Mapping[str, str | list[str]]) -> None:
    """Gives the page another address, as if a link had led there."""
    st.query_params.from_dict(address)
    if here := _whereabouts():
        here.move_to(_address())


def came_by_link() -> bool:
    """Whether the page's address says something that no page has written into it."""
    address = _address()
    return bool(address) and address != st.session_state.get(_NOTED)


def note_link() -> None:
    """Notes that the page shows what its address says: from now on that is not new."""
    st.session_state[_NOTED] = _address()


def _catch_up(here: _Whereabouts) -> None:
    heard = _address()
    if here.has_left(heard):
        st.query_params.from_dict(here.address)
    else:
        here.move_to(heard)


def _whereabouts() -> _Whereabouts | None:
    here: _Whereabouts | None = st.session_state.get(_WHEREABOUTS)
    return here


def _address() -> _Address:
    return {name: st.query_params.get_all(name) for name in st.query_params}
