"""The sheet to draw on, the image that the networks see, and the models' answers."""

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
    """What is on the sheet: the networks' input, uint8 [28, 28], and the strokes that it was made from."""

    image: Tensor
    strokes: tuple[Stroke, ...]


def current_drawing() -> Drawing | None:
    """What was on this session's sheet when it was last shown."""
    drawing: Drawing | None = st.session_state.get(_DRAWING)
    return drawing


@st.fragment
def drawing_board(choices: Sequence[Choice]) -> None:
    """The sheet and everything that depends on it; a stroke reruns only this."""
    with st.container(horizontal=True, gap="large"):
        with st.container(width=SIDE + 4, key="drawn_sheet"):
            strokes = digit_canvas()
        image = draw(strokes)
        st.session_state[_DRAWING] = None if image is None else Drawing(image, tuple(strokes))
        with st.container(width="stretch"):
            if image is None:
                st.info(
                    "Draw a digit from 0 to 9 on the sheet with a mouse, pen or finger. The models answer as soon as "
                    "you lift it. If you cannot draw, use a photo.",
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
        help="Your drawing, redrawn as MNIST's images were made: scaled to fit 20×20 pixels, with a thin line, and "
        "moved so that its center of mass is in the middle of 28×28 pixels. Size, position and brush make no "
        "difference.",
    )
    live_chart(
        as_json(figures.seen_image(image)),
        key=f"{key}_seen",
        alt="The 28 by 28 pixel image that goes into the networks.",
        height=300,
    )
