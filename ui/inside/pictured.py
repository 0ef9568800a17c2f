"""Which image goes through the model: a test image, or a drawing of one's own."""

import random
from dataclasses import dataclass

import streamlit as st
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.experiment import CLASSES
from mlpcore.inspection import code
from mlpcore.inspection.layers import Model
from ui.drawing_board import current_drawing
from ui.field_inputs import number, show_problem
from ui.inside.address import IMAGE, IMAGE_FIELD, TEST_IMAGES
from ui.inside.subjects import Subject
from ui.lessons import lesson
from ui.session import my_digits
from ui.texts import texts
from ui.words import a_digit

_SOURCE = "inside_source"
_TEST, _LAST = "test", "last"
_UNSURE = 100
_MEANT = "inside_meant"


@dataclass(frozen=True, eq=False)
class Picture:
    """An image, uint8 [28, 28], what it is called, and its true class; `number` of a test image, else None."""

    image: Tensor
    title: str
    label: int
    number: int | None

    def code(self, model: Model) -> str:
        """Lines that take it for the model."""
        if self.number is None:
            return code.drawn_image(model, self.image, self.label)
        return code.test_image(model, self.number)


def pick_picture(dataset: Dataset, subject: Subject) -> Picture:
    """Lets a person choose an image: by number, at random, one of the model's mistakes, or a drawing of their own."""
    # A lesson's link holds no drawings.
    locked = lesson().locks("image")
    kept = {} if locked else {f"kept-{digit.number}": digit for digit in my_digits().digits}
    drawing = None if locked else current_drawing()
    titles = {_TEST: "Test image"} | ({_LAST: "My last drawing"} if drawing else {})
    titles |= {name: f"My digit {digit.number}, {a_digit(digit.label)}" for name, digit in kept.items()}
    state = st.session_state
    if state.get(_SOURCE) not in titles:
        state[_SOURCE] = _TEST
    source = _TEST
    if len(titles) > 1:
        source = st.selectbox(
            "Image", list(titles), key=_SOURCE, format_func=titles.__getitem__, persist_state="session", width=180
        )
    if source in kept:
        digit = kept[source]
        return Picture(digit.image, titles[source], digit.label, None)
    if source == _LAST and drawing:
        return Picture(drawing.image, titles[source], _meant(drawing.image, subject), None)
    if "image" not in lesson().hidden:
        _choose_test_image(subject)
    row: int = state[IMAGE]
    return Picture(dataset.test.images[row], f"Test image {row:,}", int(dataset.test.labels[row]), row)


def _choose_test_image(subject: Subject) -> None:
    locked = lesson().locks("image")
    st.text_input(
        "Test image number",
        key=IMAGE_FIELD,
        help=f"The position among the test images: {TEST_IMAGES.allowed}.",
        on_change=_take_number,
        live=True,
        disabled=locked,
        width=140,
        persist_state="session",
    )
    st.button("Random image", key="inside_random", icon=":material/shuffle:", disabled=locked, on_click=_go_to_any)
    st.button(
        "A mistake",
        key="inside_mistake",
        icon=":material/error:",
        disabled=locked,
        on_click=_go_to_mistake,
        args=(subject,),
        help="A test image that this model gets wrong.",
    )
    st.button(
        "Low-confidence example",
        key="inside_unsure",
        icon=":material/help:",
        disabled=locked,
        on_click=_go_to_unsure,
        args=(subject,),
        help=f"One of the {_UNSURE} test images this model is least sure of.",
    )


def show_number_problem() -> None:
    """Shows what is wrong with the number in the field, if anything is."""
    if "image" in lesson().hidden or st.session_state.get(_SOURCE, _TEST) != _TEST:
        return
    try:
        _typed_number()
    except ValueError as problem:
        show_problem(str(problem))


def show_drawings_hint() -> None:
    """Where to make drawings, as long as there are none."""
    if not my_digits().digits and current_drawing() is None and not lesson().locks("image"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(texts("inside")["drawings"], width="content")
            st.page_link("pages/draw.py", label="Draw a digit", icon=":material/draw:")


def _meant(image: Tensor, subject: Subject) -> int:
    """What the drawing was: as saved in My digits, else as chosen here, else the model's answer."""
    if known := my_digits().find(image):
        return known.label
    answer = int(subject.model.logits(image.unsqueeze(0))[0].argmax())
    meant: int | None = st.selectbox(
        "True class",
        range(CLASSES),
        index=None,
        key=_MEANT,
        placeholder=f"{answer}, its answer",
        help="What you drew. The loss is computed for this class, or for the model's own answer if you choose none.",
        persist_state="session",
        width=140,
    )
    return answer if meant is None else meant


def _take_number() -> None:
    try:
        st.session_state[IMAGE] = _typed_number()
    except ValueError:
        return


def _typed_number() -> int:
    return int(TEST_IMAGES.check(number("seed", st.session_state[IMAGE_FIELD])))


def _go_to_any() -> None:
    _show(random.randint(int(TEST_IMAGES.low), int(TEST_IMAGES.high)))


def _go_to_mistake(subject: Subject) -> None:
    wrong = (~subject.test.correct).nonzero()[0]
    if len(wrong):
        _show(int(random.choice(wrong.tolist())))


def _go_to_unsure(subject: Subject) -> None:
    _show(int(random.choice(subject.test.confidences.argsort()[:_UNSURE].tolist())))


def _show(row: int) -> None:
    st.session_state[IMAGE] = row
    st.session_state[IMAGE_FIELD] = str(row)
