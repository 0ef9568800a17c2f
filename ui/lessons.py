"""Lesson links: a teacher hands out one question, with the page set up and only some of its controls free.

A link carries the question and the names of the controls that are locked or hidden: either these, or ``all`` and, with
a minus sign, those that are not. They are controls of the page that the link leads to; other pages show the question,
and everything there can be changed. Anybody can write a link by hand, so all of it is checked.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import streamlit as st

from mlpcore.experiment import Experiment, InvalidExperiment
from mlpcore.links import as_text, fields_of
from ui.address import write_in_address
from ui.class_address import class_address
from ui.fields import FIELDS
from ui.words import plain

MAX_QUESTION = 300
"""Characters of a lesson's question."""

_EXPERIMENT = {"hidden": "Hidden layers", **{name: field.label for name, field in FIELDS.items()}}

CONTROLS: dict[str, dict[str, str]] = {
    "start": {
        "train_both": "Button that trains both models",
        "missions": "Missions",
    },
    "train": {
        **_EXPERIMENT,
        "presets": "Buttons for the tutorial's models",
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
        "image": "Image (locks set and digit, too)",
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
        "names": "Names of the models (locks their choice, too)",
        "why": "Why? Model, digit, rival, method",
        "keep": "Saying what it was, which saves the drawing",
        "photo": "Photo",
        "my_digits": "My digits",
        "watch": "When did it learn it?",
    },
}
"""What a lesson can lock or hide, by page and by its name in the link.

What has no value, such as a section or a button, is not shown either way.
"""

_EXAMPLES = {
    "start": "Train both models. How far is your result from your neighbor's?",
    "train": "What happens to the validation loss if you double the size of the layer?",
    "compare": "Which of the two do you expect to be better, and by how much?",
    "data": "How many steps does an epoch have if you double the batch size?",
    "inside": "Which of the five calls changes the weights?",
    "draw": "Can you draw a 4 that the models take for a 9?",
}

_FOLLOWING: dict[str, dict[str, tuple[str, ...]]] = {
    "data": {"image": ("split", "digit")},
    "draw": {"names": ("models",)},
}
"""Controls that would change another one, or reveal it, and so are locked with it."""

_ALL, _EXCEPT = "all", "-"
"""How a link says: all controls, except these."""

_STATE, _PAGE, _NOTED, _NEW = "lesson", "lesson_shown_on", "lesson_noted", "lesson_is_new"
_NAMES = ("question", "lock", "hide", "lesson")


@dataclass(frozen=True)
class Lesson:
    """What a lesson link asks, and the names of the controls of `page` that cannot be changed, or not even seen."""

    page: str = ""
    question: str = ""
    locked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.page)

    def locks(self, control: str) -> bool:
        """Whether this control stays as the link sets it."""
        return control in self.locked or control in self.hidden


def lesson() -> Lesson:
    """The lesson of this session; without one, or on a page that it is not for, it locks nothing."""
    current: Lesson = st.session_state.get(_STATE, Lesson())
    if current.page == st.session_state.get(_PAGE):
        return current
    return replace(current, locked=frozenset(), hidden=frozenset())


def is_lesson_link() -> bool:
    """Whether the page's address says anything of a lesson."""
    return any(name in st.query_params for name in _NAMES)


def lesson_is_new() -> bool:
    """Whether the page's address has just brought a lesson, which may set what it locks; known after `show_lesson`."""
    return bool(st.session_state.get(_NEW))


def show_lesson(page: str) -> None:
    """Takes over the lesson in the address of `page`, if there is one, and shows its question."""
    st.session_state[_PAGE] = page
    # Always a place of its own: if everything else moved up when the lesson is left, a page that is still being drawn
    # would keep the locked controls next to the free ones.
    place = st.empty()
    given = {name: st.query_params[name] for name in _NAMES if name in st.query_params}
    st.session_state[_NEW] = bool(given) and given != st.session_state.get(_NOTED)
    if st.session_state[_NEW]:
        st.session_state[_NOTED] = given
        try:
            st.session_state[_STATE] = _lesson_of(page, given)
        except ValueError as problem:
            _forget()
            place.warning(f"This lesson link cannot be used. {plain(str(problem))}", icon=":material/link_off:")
            return
    current: Lesson = st.session_state.get(_STATE, Lesson())
    if not current:
        return
    address = {
        "question": current.question,
        "lock": _written(current.page, current.locked),
        "hide": _written(current.page, current.hidden),
        "lesson": "" if current.page == page else current.page,
    }
    write_in_address(address)
    st.session_state[_NOTED] = {name: text for name, text in address.items() if text}
    if not current.question and current.page != page:
        return
    with place.container(border=True, key="lesson"), st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":material/school: **Lesson**", width="content")
        # As text, since anybody could have written it.
        st.text(current.question or "Some controls are locked.", width="stretch")
        st.button("Leave the lesson", key="lesson_leave", type="tertiary", icon=":material/lock_open:", on_click=_leave)


def experiment_in_address() -> Experiment | None:
    """The experiment in the page's address; None if there is none, or, with the reason on screen, if it is invalid."""
    text = st.query_params.get("experiment")
    if text is None:
        return None
    try:
        return Experiment().changed(**fields_of(text))
    except InvalidExperiment as invalid:
        st.warning(
            f"The experiment in this link could not be used. {plain(' '.join(invalid.problems.values()))}",
            icon=":material/link_off:",
        )
        return None


def experiment_address(experiment: Experiment) -> dict[str, str | list[str]]:
    """What the address of the Train page says about an experiment: its layers, and what differs from the usual."""
    fields, usual = experiment.fields(), Experiment().fields()
    return {"experiment": as_text(fields, [name for name in fields if name == "hidden" or fields[name] != usual[name]])}


def offer_lesson(page: str, address: Callable[[], Mapping[str, str]]) -> None:
    """A place that unfolds, to make a link to what `page` shows; `address` gives what its address says now."""
    place = st.expander("Make a lesson link", key=f"{page}_lesson", icon=":material/link:", on_change="rerun")
    if place.open:
        with place:
            _make_link(page, page, address)


def lesson_maker(page: str, address: Mapping[str, str | list[str]]) -> None:
    """Makes a link to what `page` shows now: for oneself, or with a question and locked controls for a class."""
    _make_link(page, page, lambda: address)


def claim_lesson(claim: str) -> None:
    """A place that unfolds, to make a link to one of the tutorial's claims, with a question."""
    with st.expander("Link to this claim, or a lesson", key="claim_lesson", icon=":material/link:"):
        _make_link("compare", "claims", lambda: {"claim": claim})


@st.fragment
def _make_link(page: str, part: str, address: Callable[[], Mapping[str, str | list[str]]]) -> None:
    """Makes a link to `page`, or to a part of it that has no controls to lock."""
    question = st.text_area(
        "Question for the class",
        key=f"lesson_question_{part}",
        max_chars=MAX_QUESTION,
        height=80,
        persist_state="session",
        placeholder=_EXAMPLES[page],
        help="Shown at the top of the page to everybody who opens the link.",
    )
    locked, hidden = _chosen(page) if page == part else ([], [])
    # Parts of the page change without running this one.
    st.button(
        "Update the link",
        key=f"lesson_take_{part}",
        icon=":material/refresh:",
        help="You have changed something on the page? Press this, and the link includes it.",
    )
    here = class_address()
    lesson_texts = {"question": question.strip(), "lock": _written(page, locked), "hide": _written(page, hidden)}
    st.code(_link(here.root, page, {**address(), **lesson_texts}), language=None, wrap_lines=True)
    if here.remark and here.works:
        st.caption(here.remark)
    elif here.remark:
        st.warning(here.remark, icon=":material/wifi_off:")
    st.caption("The link contains all settings as they are now. It contains no results and no drawings.")


def _chosen(page: str) -> tuple[list[str], list[str]]:
    """Lets one choose what is locked and what is hidden, of that which is not picked as locked or as free already."""
    controls = CONTROLS[page]
    # One below the other, since the column on the Train page is narrow.
    how = st.radio(
        "Controls that stay as they are",
        ["these", "except"],
        key=f"lesson_how_{page}",
        format_func={"these": "Lock only …", "except": "Lock everything except …"}.__getitem__,
        persist_state="session",
    )
    name, label, explanation = {
        "these": ("lock", "Locked", "Visible, but cannot be changed."),
        "except": ("free", "Not locked", "Can be changed; everything else is locked."),
    }[how]
    picked = _pick(page, name, label, explanation, list(controls))
    locked = picked if how == "these" else [name for name in controls if name not in picked]
    may_be_hidden = [name for name in controls if name not in picked]
    hidden = _pick(page, "hide", "Hidden", "Not visible; they keep the values that they have now.", may_be_hidden)
    return locked, hidden


def _pick(page: str, name: str, label: str, explanation: str, names: list[str]) -> list[str]:
    key = f"lesson_{name}_{page}"
    if key in st.session_state:
        st.session_state[key] = [name for name in st.session_state[key] if name in names]
    return st.multiselect(
        label,
        names,
        key=key,
        format_func=CONTROLS[page].__getitem__,
        help=explanation,
        placeholder="Nothing",
        persist_state="session",
    )


def _link(root: str, page: str, address: Mapping[str, str | list[str]]) -> str:
    query = urlencode({name: value for name, value in address.items() if value}, doseq=True, safe=":,")
    path = "" if page == "start" else page
    return f"{root}/{path}{'?' if query else ''}{query}"


def _lesson_of(page: str, given: Mapping[str, str]) -> Lesson:
    """The lesson of a link to `page`; ValueError with a sentence if it is none."""
    question, page = given.get("question", ""), given.get("lesson", page)
    if page not in CONTROLS:
        raise ValueError(f"It is for a page {page[:40]!r}, and the pages are {', '.join(CONTROLS)}.")
    if len(question) > MAX_QUESTION:
        raise ValueError(f"Its question has {len(question):,} characters; at most {MAX_QUESTION} are possible.")
    locked, hidden = _controls(page, given.get("lock", "")), _controls(page, given.get("hide", ""))
    following = {
        other for control, others in _FOLLOWING.get(page, {}).items() if control in locked | hidden for other in others
    }
    return Lesson(page, re.sub(r"\s+", " ", question).strip(), locked | following, hidden)


def _controls(page: str, text: str) -> frozenset[str]:
    given = [name for name in text.split(",") if name]
    is_except = given[:1] == [_ALL]
    names = [name.removeprefix(_EXCEPT) for name in given[1:]] if is_except else given
    for name in names:
        if name not in CONTROLS[page]:
            raise ValueError(
                f"It names {name[:40]!r}, which is not a control of the {page.capitalize()} page. Possible names are "
                f"{', '.join(CONTROLS[page])}."
            )
    return frozenset(CONTROLS[page]).difference(names) if is_except else frozenset(names)


def _written(page: str, controls: Iterable[str]) -> str:
    """The controls as a link names them: one by one, or as all but the others, whichever is shorter."""
    wanted = set(controls)
    listed = ",".join(name for name in CONTROLS[page] if name in wanted)
    others = ",".join([_ALL, *(_EXCEPT + name for name in CONTROLS[page] if name not in wanted)])
    return min(listed, others, key=len)


def _forget() -> None:
    st.session_state.pop(_STATE, None)


def _leave() -> None:
    _forget()
    write_in_address(dict.fromkeys(_NAMES, ""))
