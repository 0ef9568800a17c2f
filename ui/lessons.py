"""Lesson links: a teacher hands out one question, with the page set up and only some of its controls to turn.

A link carries the question and the names of the controls that are locked or hidden. They are controls of the page that
the link leads to; on other pages its question is shown, and everything can be turned. Whoever writes a link by hand may
write anything, so all of it is checked.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

import streamlit as st

from mlpcore.experiment import Experiment, InvalidExperiment
from mlpcore.links import as_text, fields_of
from ui.address import write_in_address
from ui.fields import FIELDS
from ui.words import plain

MAX_QUESTION = 300
"""Characters of a lesson's question."""

_EXPERIMENT = {"hidden": "Hidden layers", **{name: field.label for name, field in FIELDS.items()}}

CONTROLS: dict[str, dict[str, str]] = {
    "train": {
        **_EXPERIMENT,
        "presets": "Buttons that start from the tutorial",
        "finder": "Learning-rate finder",
    },
    "compare": {
        **_EXPERIMENT,
        "seeds": "Number of seeds",
        "important": "Important difference",
        "presets": "Buttons of ready-made comparisons",
    },
    "data": {
        "view": "What to look at: images, all together, DataLoader",
        "split": "Training or test images",
        "digit": "Digit",
        "image": "Image, and with it set and digit",
        "stage": "Raw, ToTensor, Normalize",
        "lens": "Part of the image whose numbers are shown",
        "typical": "Digit whose typical images are shown",
        "batch_size": "Batch size",
        "shuffle": "shuffle",
        "drop_last": "drop_last",
        "batch": "Batch",
    },
    "inside": {
        "view": "What to look into: forward pass, training step, …",
        "model": "Model",
        "image": "Image",
        "neuron": "Layer and neuron",
        "off": "Switching neurons off",
        "step": "First or second step",
        "batch": "Another batch",
        "call": "The five calls",
        "forget": "Forget zero_grad",
        "forgetting": "Section: zero_grad forgotten",
        "accumulation": "Section: gradient accumulation",
        "optimizers": "Section: what each optimizer would do",
        "dropout": "Dropout and its masks",
        "bytes": "Images in the batch without no_grad",
        "digit": "Is it a …",
        "projector": "Projector: model, stage, before or after, digits",
        "two_neurons": "Section: two neurons, while they learn",
    },
    "draw": {
        "tab": "Which tab is open",
        "models": "Models that answer",
        "names": "Names of the models, and with them their choice",
        "why": "Why? Model, digit, rival, method",
        "keep": "Saying what it was, which keeps the drawing",
        "photo": "Photo",
        "my_digits": "My digits",
        "watch": "When did it learn it?",
    },
}
"""What a lesson can lock or hide, by page and by its name in the link.

What is used and not set, such as a section or a button, is not shown either way.
"""

_EXAMPLES = {
    "train": "What happens to the validation loss if you double the layer's size?",
    "compare": "Which of the two would you expect to be better, and by how much?",
    "data": "How many steps has an epoch if you double the batch size?",
    "inside": "Which of the five calls changes the weights?",
    "draw": "Can you draw a 4 that the models take for a 9?",
}

_FOLLOWING: dict[str, dict[str, tuple[str, ...]]] = {
    "data": {"image": ("split", "digit")},
    "draw": {"names": ("models",)},
}
"""Controls that would change another one, or give it away, and so are locked with it."""

_STATE, _PAGE, _NOTED, _NEW = "lesson", "lesson_shown_on", "lesson_noted", "lesson_is_new"
_NAMES = ("question", "lock", "hide", "lesson")


@dataclass(frozen=True)
class Lesson:
    """What a lesson link asks, and the names of the controls of `page` that cannot be turned, or not even be seen."""

    page: str = ""
    question: str = ""
    locked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.page)

    def locks(self, control: str) -> bool:
        """Whether this control stays as the link has set it."""
        return control in self.locked or control in self.hidden


def lesson() -> Lesson:
    """The lesson that this session takes; one that locks nothing without a link, or on a page that it is not for."""
    current: Lesson = st.session_state.get(_STATE, Lesson())
    if current.page == st.session_state.get(_PAGE):
        return current
    return replace(current, locked=frozenset(), hidden=frozenset())


def lesson_is_new() -> bool:
    """Whether the page's address has just brought a lesson, and so may set what it locks; known after `show_lesson`."""
    return bool(st.session_state.get(_NEW))


def show_lesson(page: str) -> None:
    """Takes over the lesson of the address of `page`, if there is one, and shows its question."""
    st.session_state[_PAGE] = page
    # A place of its own in any case: where all else would move up when the lesson is left, a page that is still being
    # drawn would keep the locked controls beside the free ones.
    place = st.empty()
    given = {name: st.query_params[name] for name in _NAMES if name in st.query_params}
    st.session_state[_NEW] = bool(given) and given != st.session_state.get(_NOTED)
    if st.session_state[_NEW]:
        st.session_state[_NOTED] = given
        try:
            st.session_state[_STATE] = _lesson_of(page, given)
        except ValueError as problem:
            _forget()
            place.warning(
                f"This lesson link cannot be used as it is. {plain(str(problem))}", icon=":material/link_off:"
            )
            return
    current: Lesson = st.session_state.get(_STATE, Lesson())
    if not current:
        return
    address = {
        "question": current.question,
        "lock": _listed(current.page, current.locked),
        "hide": _listed(current.page, current.hidden),
        "lesson": "" if current.page == page else current.page,
    }
    write_in_address(address)
    st.session_state[_NOTED] = {name: text for name, text in address.items() if text}
    if not current.question and current.page != page:
        return
    with place.container(border=True, key="lesson"), st.container(horizontal=True, vertical_alignment="center"):
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
            f"The link's experiment could not be used. {plain(' '.join(invalid.problems.values()))}",
            icon=":material/link_off:",
        )
        return None


def link_to(page: str, address: Mapping[str, str | list[str]]) -> str:
    """The whole address of one of the app's pages, as others can open it."""
    here = urlsplit(st.context.url or "")
    root = here.path.rpartition("/")[0]
    query = urlencode({name: value for name, value in address.items() if value}, doseq=True, safe=":,")
    return f"{here.scheme}://{here.netloc}{root}/{page}{'?' if query else ''}{query}"


def experiment_address(experiment: Experiment) -> dict[str, str | list[str]]:
    """What the address of the Train page says of an experiment: all of its fields."""
    fields = experiment.fields()
    return {"experiment": as_text(fields, fields)}


def offer_lesson(page: str, address: Callable[[], Mapping[str, str]]) -> None:
    """A place that unfolds, to make a link to what `page` shows; `address` gives what its address says now."""
    place = st.expander("Make a lesson link", key=f"{page}_lesson", icon=":material/link:", on_change="rerun")
    if place.open:
        with place:
            _make_link(page, address)


def lesson_maker(page: str, address: Mapping[str, str | list[str]]) -> None:
    """Makes a link to what `page` shows now, for oneself or, with a question and locked controls, for a class."""
    _make_link(page, lambda: address)


@st.fragment
def _make_link(page: str, address: Callable[[], Mapping[str, str | list[str]]]) -> None:
    controls = CONTROLS[page]
    question = st.text_area(
        "Question for the class",
        key=f"lesson_question_{page}",
        max_chars=MAX_QUESTION,
        height=80,
        persist_state="session",
        placeholder=_EXAMPLES[page],
        help="Stands at the top of the page for whoever opens the link.",
    )
    chosen = {}
    for name, label, explanation in [
        ("lock", "Locked", "Seen, but not to be changed."),
        ("hide", "Hidden", "Not to be seen; they keep the values that they have now."),
    ]:
        chosen[name] = st.multiselect(
            label,
            list(controls),
            key=f"lesson_{name}_{page}",
            format_func=controls.__getitem__,
            help=explanation,
            placeholder="Nothing",
            persist_state="session",
        )
    lesson_texts = {"question": question.strip()} | {name: ",".join(names) for name, names in chosen.items()}
    # Parts of the page may change without the rest of it.
    st.button("Take what is shown now", key=f"lesson_take_{page}", icon=":material/refresh:")
    st.code(link_to(page, {**address(), **lesson_texts}), language=None, wrap_lines=True)
    st.caption("The link fills in all settings as they are now. It holds no results and no drawings.")


def _lesson_of(page: str, given: Mapping[str, str]) -> Lesson:
    """The lesson of a link to `page`; ValueError with a sentence if it is none."""
    question, page = given.get("question", ""), given.get("lesson", page)
    if page not in CONTROLS:
        raise ValueError(f"It is for a page {page[:40]!r}: there are {', '.join(CONTROLS)}.")
    if len(question) > MAX_QUESTION:
        raise ValueError(f"Its question has {len(question):,} characters, and {MAX_QUESTION} are possible.")
    locked, hidden = _controls(page, given.get("lock", "")), _controls(page, given.get("hide", ""))
    following = {
        other for control, others in _FOLLOWING.get(page, {}).items() if control in locked | hidden for other in others
    }
    return Lesson(page, re.sub(r"\s+", " ", question).strip(), locked | following, hidden)


def _controls(page: str, text: str) -> frozenset[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in CONTROLS[page]:
            raise ValueError(
                f"It names {name[:40]!r}, and that is no control of the {page.capitalize()} page: possible are "
                f"{', '.join(CONTROLS[page])}."
            )
    return frozenset(names)


def _listed(page: str, controls: Iterable[str]) -> str:
    return ",".join(name for name in CONTROLS[page] if name in set(controls))


def _forget() -> None:
    st.session_state.pop(_STATE, None)


def _leave() -> None:
    _forget()
    write_in_address(dict.fromkeys(_NAMES, ""))
