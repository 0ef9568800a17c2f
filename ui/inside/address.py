"""What the Inside page shows: kept in the session, and in the page's address, so that a link shows the same."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mlpcore.experiment import LIMITS, Range
from mlpcore.figures.inside import Call
from mlpcore.links import as_number
from ui.inside.subjects import subject_titles
from ui.navigation import note_in_address

VIEW, MODEL, STEP_MODEL, IMAGE, LAYER, NEURON, CALL, WHICH_STEP, BATCH, FORGET, DIGIT = (
    "inside_view", "inside_model", "inside_step_model", "inside_image", "inside_layer", "inside_neuron", "inside_call",
    "inside_which_step", "inside_batch", "inside_forget", "inside_digit",
)  # fmt: skip
"""Keys of the session's state. Layers and neurons count from 0, batches from 1; NEURON is None until one is chosen."""

IMAGE_FIELD = "inside_image_field"
"""The text in the field for IMAGE, which may be half typed."""

VIEWS = {
    "forward": "Forward pass",
    "step": "One training step",
    "modes": "train() and eval()",
    "binary": "Yes or no?",
    "depth": "Why hidden layers help",
}
"""What the page can show, and how it is called."""

CALLS: tuple[Call, ...] = ("zero_grad", "forward", "loss", "backward", "step")
STEPS = ("first", "second")

USUAL_MODEL, USUAL_STEP_MODEL = "two-hidden", "untrained-two-hidden"

TEST_IMAGES = Range("Test image", 0, 9_999, "They are counted from 0.")
BATCHES = Range("Batch", 1, 936, "An epoch has 937 whole batches of 64, and the page may need the next one, too.")

_NEURONS = Range("Neuron", 0, int(LIMITS["hidden"].high) - 1, "They are counted from 0.")
_LAYERS = Range("Layer", 0, 8, "They are counted from 0, and the last one is the output.")

_NOTED = "inside_noted_address"


def take_address() -> list[str]:
    """Lets the page show what its address asks for, if that is news; to be called before the widgets.

    Returns a sentence for each value in the address that is not possible and was left out.
    """
    state, parts = st.session_state, _parts()
    given = {name: st.query_params[name] for name in parts if name in st.query_params}
    # A page that is come back to in the navigation has no address, and shows what it showed.
    if VIEW in state and (not given or given == state.get(_NOTED)):
        return []
    state.update({part.key: part.default for part in parts.values()})
    problems = []
    for name, text in given.items():
        try:
            state[parts[name].key] = parts[name].read(text)
        except ValueError as problem:
            problems.append(str(problem))
    state[IMAGE_FIELD] = str(state[IMAGE])
    return problems


def note_address() -> None:
    """Writes into the address what is shown, as far as it is not what the page shows by itself."""
    state, parts = st.session_state, _parts()
    address = {
        name: str(part.write(state[part.key])) for name, part in parts.items() if state[part.key] != part.default
    }
    note_in_address(dict.fromkeys(parts, "") | address)
    state[_NOTED] = address


@dataclass(frozen=True)
class _Part:
    """A value of the state, which the address holds as a text unless it is the default.

    `read` raises ValueError with a sentence for a text that stands for no possible value.
    """

    key: str
    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], object] = str


def _parts() -> dict[str, _Part]:
    return {
        "view": _choice(VIEW, "forward", "View", VIEWS),
        "model": _Part(MODEL, USUAL_MODEL, _read_model),
        "step_model": _Part(STEP_MODEL, USUAL_STEP_MODEL, _read_model),
        "image": _number(IMAGE, 0, TEST_IMAGES),
        "layer": _number(LAYER, 0, _LAYERS),
        "neuron": _number(NEURON, None, _NEURONS),
        "call": _choice(CALL, CALLS[0], "Call", CALLS),
        "step": _choice(WHICH_STEP, "second", "Step", STEPS),
        "batch": _number(BATCH, 1, BATCHES),
        "forget": _Part(
            FORGET,
            False,
            lambda text: _choice(FORGET, "off", "Forget", ["on", "off"]).read(text) == "on",
            lambda forgets: "on" if forgets else "off",
        ),
        "digit": _number(DIGIT, 3, Range("Digit", 0, 9, "There are ten of them.")),
    }


def _choice(key: str, default: str, what: str, choices: Iterable[str]) -> _Part:
    allowed = list(choices)

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{what} {text[:20]!r} is not possible: there are {', '.join(allowed)}.")
        return text

    return _Part(key, default, read)


def _number(key: str, default: int | None, allowed: Range) -> _Part:
    return _Part(key, default, lambda text: int(allowed.check(as_number(int, text))))


def _read_model(text: str) -> str:
    if text not in subject_titles():
        raise ValueError(
            f"There is no model {text[:20]!r} here: it may be a run of another browser or server, or be deleted."
        )
    return text
