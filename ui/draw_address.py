"""What the Draw page shows, apart from drawings, and how its address encodes it."""

import streamlit as st

from mlpcore.experiment import CLASSES
from mlpcore.inspection import METHODS
from ui import page_address
from ui.models import MOST, PICKED, all_choices, usual_models
from ui.page_address import Part, Parts, one_of

PAGE = "draw"

TABS = {
    "draw": ":material/draw: Draw",
    "photo": ":material/photo_camera: Photo",
    "digits": ":material/folder_special: My digits",
    "watch": ":material/timeline: When did it learn it?",
}
"""The tabs, and what is written on them."""

TAB = "draw_tab"
"""Key of the session's state for the name of the tab that is open."""

ANSWER, RUNNER_UP, NONE = "its answer", "its second choice", "no other digit"
DIGITS = [str(digit) for digit in range(CLASSES)]

_PLACES = ("drawn", "photo")
_QUESTIONS = ("model", "digit", "rival", "method")
_NO_MODEL = "none"


def why_key(place: str, question: str) -> str:
    """Key of the session's state for what is asked below a drawing or a photo: its model, digit, rival or method."""
    return f"{place}_why_{question}"


def take_address() -> list[str] | None:
    """Shows what the address asks for, if it has changed; call it before the widgets.

    Returns a sentence for each invalid value, which is ignored; None if the address has not changed.
    """
    problems = page_address.take(PAGE, _parts())
    if problems is not None:
        # The address holds the questions about the drawing; a photo starts with the same ones.
        for question in _QUESTIONS:
            for place in _PLACES[1:]:
                st.session_state[why_key(place, question)] = st.session_state[why_key(_PLACES[0], question)]
    return problems


def note_address() -> None:
    """Writes into the address what is shown."""
    page_address.note(PAGE, _parts())


def address() -> dict[str, str]:
    """What the address says of what is shown now."""
    return page_address.address_of(_parts())


def _parts() -> Parts:
    answers = {"answer": ANSWER} | {digit: digit for digit in DIGITS}
    rivals = {"second": RUNNER_UP, "none": NONE} | {digit: digit for digit in DIGITS}
    return {
        "tab": one_of(TAB, "draw", "Tab", TABS),
        "models": Part(PICKED, usual_models(), _read_models, lambda keys: ",".join(keys) or _NO_MODEL),
        # One of those before it.
        "why_model": Part(why_key("drawn", "model"), None, _read_why_model, _write_why_model, "why"),
        "why": _named(why_key("drawn", "digit"), "Why", answers),
        "rather_than": _named(why_key("drawn", "rival"), "Rather than", rivals),
        "method": one_of(why_key("drawn", "method"), next(iter(METHODS)), "Method", METHODS, "why"),
    }


def _named(key: str, what: str, values: dict[str, str]) -> Part:
    names = {value: name for name, value in values.items()}
    read = one_of(key, "", what, values).read
    return Part(key, next(iter(names)), lambda text: values[read(text)], names.__getitem__, "why")


def _read_models(text: str) -> list[str]:
    keys = [] if text == _NO_MODEL else list(dict.fromkeys(text.split(",")))
    if len(keys) > MOST:
        raise ValueError(f"It names {len(keys):,} models, but at most {MOST} can answer at a time.")
    choices = all_choices()
    for key in keys:
        if key not in choices:
            raise ValueError(
                f"There is no model {key[:20]!r} here. It may be another browser's or server's, or deleted."
            )
    return keys


def _read_why_model(text: str) -> str:
    picked: list[str] = st.session_state[PICKED]
    if text not in picked:
        raise ValueError(f"The model to explain, {text[:20]!r}, is not one of those that answer: {', '.join(picked)}.")
    return text


def _write_why_model(key: str) -> str:
    # The first one is explained anyway.
    return "" if [key] == st.session_state.get(PICKED, [])[:1] else key
