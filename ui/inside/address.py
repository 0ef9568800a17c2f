"""What the Inside page shows, and what its address says of it."""

import streamlit as st

from mlpcore.experiment import LIMITS, MAX_HIDDEN_LAYERS, Range
from mlpcore.figures.inside import Call
from mlpcore.inspection.layers import Neuron
from ui import page_address
from ui.inside.subjects import subject_titles
from ui.page_address import Part, Parts, one_of, switch, whole_number

PAGE = "inside"

VIEW, MODEL, STEP_MODEL, IMAGE, LAYER, NEURON, ORDER, OFF, CALL, WHICH_STEP, BATCH, FORGET, DIGIT = (
    "inside_view", "inside_model", "inside_step_model", "inside_image", "inside_layer", "inside_neuron",
    "inside_order", "inside_off", "inside_call", "inside_which_step", "inside_batch", "inside_forget", "inside_digit",
)  # fmt: skip
"""Keys of the session's state. Layers and neurons count from 0, batches from 1; NEURON is None until one is chosen.
OFF holds the neurons that are switched off for each model that had any."""

DROPOUT, MASKS, BYTES_SIZE = "inside_dropout", "inside_masks", "inside_bytes_size"

POINTS_MODEL, STAGE, TRAINED, ONLY = "projector_model", "projector_stage", "projector_when", "projector_only"
"""Keys of the projector's state: its model, the stage from 0, after training or before, and the digits alone shown."""

IMAGE_FIELD = "inside_image_field"
"""The text in the field for IMAGE, which may be half typed."""

VIEWS = {
    "forward": "Forward pass",
    "step": "One training step",
    "modes": "train() and eval()",
    "binary": "Yes or no?",
    "depth": "Why hidden layers help",
    "two_neurons": "Two neurons",
}
"""What the page can show, and how it is called."""

CALLS: tuple[Call, ...] = ("zero_grad", "forward", "loss", "backward", "step")
STEPS = ("first", "second")
ORDERS = ("activation", "push")
DROPOUTS = (0.0, 0.1, 0.2, 0.5, 0.8)
BYTES_SIZES = (64, 256, 1000)

USUAL_MODEL, USUAL_STEP_MODEL = "two-hidden", "untrained-two-hidden"

TEST_IMAGES = Range("Test image", 0, 9_999, "They are counted from 0.")
BATCHES = Range("Batch", 1, 936, "An epoch has 937 whole batches of 64, and the page may need the next one, too.")
MASK_NUMBERS = Range("Masks number", 0, 999, "They are counted from 0.")

_HEXADECIMAL = "0123456789abcdef"

_NEURONS = Range("Neuron", 0, int(LIMITS["hidden"].high) - 1, "They are counted from 0.")
_LAYERS = Range("Layer", 0, MAX_HIDDEN_LAYERS, "They are counted from 0, and the last one is the output.")
_STAGES = Range("Stage", 0, MAX_HIDDEN_LAYERS, "They are counted from 0, which is the input.")


def take_address() -> list[str]:
    """Lets the page show what its address asks for, if that is news; to be called before the widgets.

    Returns a sentence for each value in the address that is not possible and was left out.
    """
    problems = page_address.take(PAGE, _parts())
    if problems is None:
        return []
    st.session_state[IMAGE_FIELD] = str(st.session_state[IMAGE])
    return problems


def note_address() -> None:
    """Writes into the address what is shown."""
    page_address.note(PAGE, _parts())


def address() -> dict[str, str]:
    """What the address says of what is shown now."""
    return page_address.address_of(_parts())


def _parts() -> Parts:
    return {
        "view": one_of(VIEW, "forward", "View", VIEWS),
        "model": Part(MODEL, USUAL_MODEL, _read_model),
        "step_model": Part(STEP_MODEL, USUAL_STEP_MODEL, _read_model, control="model"),
        "image": whole_number(IMAGE, 0, TEST_IMAGES),
        "layer": whole_number(LAYER, 0, _LAYERS, control="neuron"),
        "neuron": whole_number(NEURON, None, _NEURONS),
        "order": one_of(ORDER, ORDERS[0], "Order", ORDERS, control="neuron"),
        # Of the model that is shown.
        "off": Part(OFF, {}, _read_off, _write_off),
        "call": one_of(CALL, CALLS[0], "Call", CALLS),
        "step": one_of(WHICH_STEP, "second", "Step", STEPS),
        "batch": whole_number(BATCH, 1, BATCHES),
        "forget": switch(FORGET, False, "Forget"),
        "dropout": one_of(DROPOUT, 0.5, "Dropout", DROPOUTS),
        "masks": whole_number(MASKS, 0, MASK_NUMBERS, control="dropout"),
        "bytes": one_of(BYTES_SIZE, BYTES_SIZES[0], "A batch of", BYTES_SIZES),
        "digit": whole_number(DIGIT, 3, Range("Digit", 0, 9, "There are ten of them.")),
        "points_model": Part(POINTS_MODEL, USUAL_MODEL, _read_model, control="projector"),
        "stage": whole_number(STAGE, 0, _STAGES, control="projector"),
        "training": Part(TRAINED, True, _read_training, lambda after: "after" if after else "before", "projector"),
        "only": Part(ONLY, [], _read_digits, lambda digits: "".join(map(str, sorted(digits))), "projector"),
    }


def _read_model(text: str) -> str:
    if text not in subject_titles():
        raise ValueError(
            f"There is no model {text[:20]!r} here: it may be a run of another browser or server, or be deleted."
        )
    return text


def _read_training(text: str) -> bool:
    return bool(one_of(TRAINED, "", "Training", ["before", "after"]).read(text) == "after")


def _read_digits(text: str) -> list[int]:
    if not text.isdecimal() or not text.isascii() or len(set(text)) < len(text):
        raise ValueError(f"Digits {text[:20]!r} are not possible: give some of 0123456789, each once.")
    return sorted(map(int, text))


# Half of a layer may be switched off, so each layer's neurons are the bits of one hexadecimal number.


def _read_off(text: str) -> dict[str, frozenset[Neuron]]:
    off: set[Neuron] = set()
    for layer, part in enumerate(text.split(".")[: MAX_HIDDEN_LAYERS + 1]):
        if layer == MAX_HIDDEN_LAYERS or len(part) > LIMITS["hidden"].high / 4 or not set(part) <= set(_HEXADECIMAL):
            raise ValueError(
                f"The neurons {text[:20]!r} to switch off are not possible: for each of up to {MAX_HIDDEN_LAYERS} "
                "hidden layers a hexadecimal number is needed, with a dot between them."
            )
        bits = int(part or "0", 16)
        off |= {Neuron(layer, index) for index in range(bits.bit_length()) if bits >> index & 1}
    return {st.session_state[MODEL]: frozenset(off)}


def _write_off(off: dict[str, frozenset[Neuron]]) -> str:
    layers = [0] * MAX_HIDDEN_LAYERS
    for neuron in off.get(st.session_state[MODEL], ()):
        layers[neuron.layer] |= 1 << neuron.index
    return ".".join(f"{bits:x}" if bits else "" for bits in layers).rstrip(".")
