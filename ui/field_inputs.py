"""The inputs for an experiment's fields, their values, and messages about invalid ones.

Numbers are text fields on purpose: `st.number_input` keeps its old value while it shows a rejected one, and reads 1e3
as 1. The text is parsed here and checked by `Experiment` itself, whose message appears below the field.
"""

import re

import streamlit as st

from mlpcore.experiment import LIMITS
from ui.fields import FIELDS
from ui.lessons import lesson
from ui.words import plain as plain


def show_problem(sentence: str) -> None:
    """Shows a message about an invalid field; to be called below it."""
    st.markdown(f":red[:material/error: {plain(sentence)}]")


def as_shown(name: str, value: object) -> object:
    """A field's value as its input shows it."""
    if isinstance(value, bool) or FIELDS[name].choices:
        return value
    return "" if value is None else str(value)


def as_value(name: str, shown: object) -> object:
    """The value of a field's input; text that is not a number is returned as it is, for the message to quote."""
    if isinstance(shown, bool) or FIELDS[name].choices:
        return shown
    return number(name, str(shown))


def number(name: str, text: str) -> object:
    """The number in `text`, or `text` itself if it is not a number."""
    text = text.strip()
    if name == "train_size" and not text:
        return None
    if name == "batch_size" and text.lower() == "full":
        return "full"
    # 60,000 is a whole number, but 0,001 may be meant as a decimal fraction and must not become 1.
    if LIMITS[name].whole and re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", text):
        text = text.replace(",", "")
    try:
        return int(text) if LIMITS[name].whole else float(text)
    except ValueError:
        return text


def field_input(name: str, key: str, problems: dict[str, str]) -> None:
    """The input for the field `name`, with its value in the session state under `key`, and the message about it."""
    field, locked = FIELDS[name], lesson().locks(name)
    if name in lesson().hidden:
        return
    if field.choices:
        st.selectbox(
            field.label,
            list(field.choices),
            key=key,
            format_func=field.choices.__getitem__,
            help=field.help,
            disabled=locked,
            persist_state="session",
        )
    elif isinstance(st.session_state[key], bool):
        st.toggle(field.label, key=key, help=field.help, disabled=locked, persist_state="session")
    else:
        st.text_input(
            field.label,
            key=key,
            help=f"{field.help} Allowed: {LIMITS[name].allowed}.",
            placeholder=field.placeholder,
            disabled=locked,
            live=True,
            persist_state="session",
        )
    # Also where there is no message, so that the elements below keep their places in the tree.
    with st.container():
        if name in problems:
            show_problem(problems[name])
