"""What a page shows: kept in the session, and in the page's address, so that a link shows the same.

A page names the parts of what it shows. It takes them from its address before its widgets are drawn, and writes them
back as they change. Only the lesson's own link changes what the lesson has locked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mlpcore.experiment import Range
from mlpcore.links import as_number
from ui.address import note_in_address
from ui.lessons import lesson, lesson_is_new


@dataclass(frozen=True)
class Part:
    """A value in the session's state, which the address contains as text unless it is the default.

    Attributes:
        key: of the session's state.
        read: text to value; raises ValueError with a sentence if no possible value is meant.
        write: value to text; an empty text is left out of the address.
        control: what a lesson calls the control that sets it, if that is not the part's own name.
    """

    key: str
    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], object] = str
    control: str = ""


Parts = Mapping[str, Part]
"""The parts by their name in the address; a part that depends on others comes after them."""


def one_of(key: str, default: Any, what: str, choices: Iterable[Any], control: str = "") -> Part:
    """A part that is one of a few values; `what` is its name in a sentence."""
    by_text = {str(choice): choice for choice in choices}

    def read(text: str) -> Any:
        if text not in by_text:
            raise ValueError(f"{what} {text[:20]!r} is not possible: there are {', '.join(by_text)}.")
        return by_text[text]

    return Part(key, default, read, control=control)


def switch(key: str, default: bool, what: str) -> Part:
    """A part that is on or off."""
    read = one_of(key, "", what, ["on", "off"]).read
    return Part(key, default, lambda text: read(text) == "on", lambda on: "on" if on else "off")


def whole_number(key: str, default: int | None, allowed: Range, control: str = "") -> Part:
    """A part that is a number within a range."""
    return Part(key, default, lambda text: int(allowed.check(as_number(int, text))), control=control)


def take(page: str, parts: Parts) -> list[str] | None:
    """Makes the page show what its address asks for, if that is new; to be called before the widgets.

    Returns a sentence for each value in the address that is not possible and was left out; None if nothing was new.
    """
    state, visited = st.session_state, f"{page}_visited"
    given = {name: st.query_params[name] for name in parts if name in st.query_params}
    may_change_all = visited not in state or lesson_is_new()
    # A page that is opened again from the navigation has an empty address, and shows what it showed before.
    if not may_change_all and (not given or given == state.get(_noted(page))):
        return None
    state[visited] = True
    problems = []
    for name, part in parts.items():
        if lesson().locks(part.control or name) and not may_change_all:
            continue
        state[part.key] = part.default
        if name in given:
            try:
                state[part.key] = part.read(given[name])
            except ValueError as problem:
                problems.append(str(problem))
    # Here as well, since a click may end this run before it notes what it shows.
    state[_noted(page)] = given
    return problems


def note(page: str, parts: Parts) -> None:
    """Writes what is shown into the address, except for defaults."""
    address = address_of(parts)
    note_in_address(dict.fromkeys(parts, "") | address)
    st.session_state[_noted(page)] = address


def address_of(parts: Parts) -> dict[str, str]:
    """What the address says about what is shown now."""
    shown = {name: st.session_state.get(part.key, part.default) for name, part in parts.items()}
    texts = {name: str(parts[name].write(value)) for name, value in shown.items() if value != parts[name].default}
    return {name: text for name, text in texts.items() if text}


def _noted(page: str) -> str:
    return f"{page}_noted_address"
