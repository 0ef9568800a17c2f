"""The sheet to draw on, what the network sees of it, and what the models answer as the pen lifts."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from torch import Tensor

from mlpcore import figures
from mlpcore.drawing import Stroke, draw
from ui.answers import show_answers
from ui.digit_canvas import SIDE, digit_canvas
from ui.draw_address import note_address
from ui.drawing_code import show_drawing_code
from ui.keeping import what_it_was
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.models import Choice
from ui.why import show_why

_DRAWING = "drawing"


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is on the sheet: the image that goes into the networks, uint8 [28, 28], and the strokes behind it."""

    image: Tensor
    strokes: tuple[Stroke, ...]


def current_drawing() -> Drawing | None:
    """What this session's sheet held when it was looked at last."""
    drawing: Drawing | None = st.session_state.get(_DRAWING)
    return drawing


@st.fragment
def drawing_board(choices: Sequence[Choice]) -> None:
    """The sheet with all that follows from it; a stroke runs nothing but this."""
    with st.container(horizontal=True, gap="large"):
        with st.container(width=SIDE + 4, key="drawn_sheet"):
            strokes = digit_canvas()
        image = draw(strokes)
        st.session_state[_DRAWING] = None if image is None else Drawing(image, tuple(strokes))
        with st.container(width="stretch"):
            if image is None:
                st.info(
                    "Draw a digit from 0 to 9 on the sheet, with mouse, pen or finger. The models answer as the pen "
                    "lifts. Without a pointer, give a photo instead.",
                    icon=":material/draw:",
                )
                return
            show_answers(image, choices, key="drawn")
            if not lesson().locks("keep"):
                with st.container(key="drawn_was"):
                    what_it_was(image, strokes, key="drawn")
    with st.container(horizontal=True, gap="large"):
        with st.container(width=SIDE + 4):
            show_seen(image, key="drawn")
        with st.container(width="stretch"):
            show_why(image, choices, key="drawn")
    show_drawing_code(image, choices, key="drawn")
    note_address()


def show_seen(image: Tensor, key: str) -> None:
    """The image that goes into the networks, uint8 [28, 28], enlarged."""
    st.markdown(
        "**What the network sees**",
        help="What you drew, made anew in MNIST's way: scaled to fit 20×20 pixels, in a thin line, and moved so that "
        "the centre of mass lies in the middle of 28×28. So size, place and brush make no difference.",
    )
    live_chart(
        as_json(figures.seen_image(image)),
        key=f"{key}_seen",
        alt="The 28 by 28 pixel image that goes into the networks.",
        height=300,
    )
