"""Lesson links: a teacher hands out one question, with the set-up filled in and only some of the controls to turn.

A link carries the question and the names of the controls that are locked or hidden. Whoever writes a link by hand may
write anything, so all of it is checked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import streamlit as st

from mlpcore.experiment import Experiment, InvalidExperiment
from mlpcore.links import as_text, fields_of
from ui.fields import FIELDS
from ui.navigation import write_in_address

MAX_QUESTION = 300
"""Characters of a lesson's question."""

CONTROLS = {
    "hidden": "Hidden layers",
    **{name: field.label for name, field in FIELDS.items()},
    "presets": "Buttons that start from the tutorial",
    "finder": "Learning-rate finder",
}
"""What a lesson can lock or hide, by its name in the link."""

_STATE = "lesson"


@dataclass(frozen=True)
class Lesson:
    """What a lesson link asks, and the names of the controls that cannot be turned, or not even be seen."""

    question: str = ""
    locked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.question or self.locked or self.hidden)

    def locks(self, control: str) -> bool:
        """Whether this control stays as the link has set it."""
        return control in self.locked or control in self.hidden


def lesson() -> Lesson:
    """The lesson that this session takes; one that locks nothing without a link."""
    current: Lesson = st.session_state.get(_STATE, Lesson())
    return current


def show_lesson() -> None:
    """Takes over the lesson of the page's address, if there is one, and shows its question."""
    given = st.query_params
    if any(name in given for name in ("question", "lock", "hide")):
        try:
            st.session_state[_STATE] = _lesson_of(
                given.get("question", ""), given.get("lock", ""), given.get("hide", "")
            )
        except ValueError as problem:
            st.session_state.pop(_STATE, None)
            st.warning(f"This lesson link cannot be used as it is. {problem}", icon=":material/link_off:")
            return
    current = lesson()
    if not current:
        return
    write_in_address({"question": current.question, "lock": _names(current.locked), "hide": _names(current.hidden)})
    with st.container(border=True, key="lesson"), st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":material/school: **Lesson**", width="content")
        # As text, since whoever made the link could write anything.
        st.text(current.question or "Some controls are locked.", width="stretch")
        st.button("Leave the lesson", key="lesson_leave", type="tertiary", icon=":material/lock_open:", on_click=_leave)


def experiment_in_address() -> Experiment | None:
    """The experiment that the page's address describes; None without one, or, with a word of why, if it is none."""
    text = st.query_params.get("experiment")
    if text is None:
        return None
    try:
        return Experiment().changed(**fields_of(text))
    except InvalidExperiment as invalid:
        st.warning(
            f"The link's experiment could not be used. {' '.join(invalid.problems.values())}",
            icon=":material/link_off:",
        )
        return None


def link_to(page: str, address: Mapping[str, str | list[str]]) -> str:
    """The whole address of one of the app's pages, as others can open it."""
    here = urlsplit(st.context.url or "")
    root = here.path.rpartition("/")[0]
    query = urlencode({name: value for name, value in address.items() if value}, doseq=True, safe=":,")
    return f"{here.scheme}://{here.netloc}{root}/{page}?{query}"


def experiment_address(experiment: Experiment) -> dict[str, str | list[str]]:
    """What the address of the Train page says of an experiment: all of its fields."""
    fields = experiment.fields()
    return {"experiment": as_text(fields, fields)}


@st.fragment
def lesson_maker(page: str, address: Mapping[str, str | list[str]]) -> None:
    """Makes a link to what `page` shows now, for oneself or, with a question and locked controls, for a class."""
    question = st.text_area(
        "Question for the class",
        key="lesson_question",
        max_chars=MAX_QUESTION,
        height=80,
        persist_state="session",
        placeholder="What happens to the validation loss if you double the layer's size?",
        help="Stands at the top of the page for whoever opens the link.",
    )
    for key, label, explanation in [
        ("lesson_lock", "Locked", "Seen, but not to be changed."),
        ("lesson_hide", "Hidden", "Not to be seen; they keep the values that they have now."),
    ]:
        st.multiselect(
            label,
            list(CONTROLS),
            key=key,
            format_func=CONTROLS.__getitem__,
            help=explanation,
            placeholder="Nothing",
            persist_state="session",
        )
    lesson_texts = {
        "question": question.strip(),
        "lock": ",".join(st.session_state["lesson_lock"]),
        "hide": ",".join(st.session_state["lesson_hide"]),
    }
    st.code(link_to(page, {**address, **lesson_texts}), language=None, wrap_lines=True)
    st.caption("The link fills in all settings as they are now. It holds no results.")


def _lesson_of(question: str, lock: str, hide: str) -> Lesson:
    """The lesson of a link; ValueError with a sentence if it is none."""
    if len(question) > MAX_QUESTION:
        raise ValueError(f"Its question has {len(question):,} characters, and {MAX_QUESTION} are possible.")
    return Lesson(re.sub(r"\s+", " ", question).strip(), _controls(lock), _controls(hide))


def _controls(text: str) -> frozenset[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in CONTROLS:
            raise ValueError(f"It names {name[:40]!r}, and that is no control: possible are {', '.join(CONTROLS)}.")
    return frozenset(names)


def _names(controls: frozenset[str]) -> str:
    return ",".join(name for name in CONTROLS if name in controls)


def _leave() -> None:
    st.session_state.pop(_STATE, None)
    for name in ("question", "lock", "hide"):
        st.query_params.pop(name, None)
