"""Pictures to click: each is a button, with its caption, for mouse, finger and keyboard.

Streamlit's own buttons show a picture only as large as a letter, and its pictures tell nothing of a click.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

_CSS = """
.pictures {
  display: grid;
  grid-template-columns: repeat(auto-fill, calc(var(--side) + 12px));
  gap: 4px;
}
button {
  padding: 4px 0;
  border: 1px solid transparent;
  border-radius: var(--st-base-radius);
  background: none;
  color: var(--st-text-color);
  font: 0.8rem/1.35 var(--st-font);
  text-align: center;
  cursor: pointer;
}
button:hover:enabled {
  border-color: var(--st-border-color);
  background: var(--st-secondary-background-color);
}
button[aria-pressed="true"] {
  border-color: var(--st-primary-color);
}
button:focus-visible {
  outline: 2px solid var(--st-primary-color);
}
button:disabled {
  cursor: default;
}
img {
  display: block;
  width: var(--side);
  height: var(--side);
  margin: 0 auto 2px;
  image-rendering: pixelated;
}
img[hidden] {
  display: none;
}
span {
  display: block;
  white-space: nowrap;
}
span.title {
  color: var(--st-link-color);
}
button[aria-pressed="true"] span.title {
  font-weight: 700;
}
button:disabled span.title {
  color: inherit;
}
"""

_COMPONENT = st.components.v2.component(
    "picture_buttons", css=_CSS, js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


@dataclass(frozen=True, eq=False)
class PictureButton:
    """One of the pictures.

    Attributes:
        value: what it stands for; handed on when it is clicked.
        picture: uint8 [height, width], or [height, width, 4] with opacity; None for a button without a picture.
        title: the first line below it.
        note: the second line.
        name: what a screen reader says; begins with the title.
        disabled: it can be seen, but not clicked.
    """

    value: int
    picture: npt.NDArray[np.uint8] | None
    title: str
    note: str
    name: str
    disabled: bool = False


def picture_buttons(
    buttons: Sequence[PictureButton],
    *,
    key: str,
    label: str,
    side: int,
    pressed: int | None,
    on_click: Callable[[int], None],
) -> None:
    """Shows the pictures in rows, as many in each as there is room for.

    A click calls `on_click` with the button's value and reruns the script, or the fragment that they are in.

    Args:
        label: what a screen reader calls all of them.
        side: of a picture, in pixels.
        pressed: the value of the button that is marked.
    """

    def clicked() -> None:
        # What the browser sends may be anything.
        sent = st.session_state[key].clicked
        for button in buttons:
            if button.value == sent and not button.disabled:
                on_click(button.value)

    pictures = [
        {
            "value": button.value,
            "source": None if button.picture is None else _source(button.picture),
            "title": button.title,
            "note": button.note,
            "name": button.name,
            "pressed": button.value == pressed,
            "disabled": button.disabled,
        }
        for button in buttons
    ]
    _COMPONENT(key=key, data={"label": label, "side": side, "pictures": pictures}, on_clicked_change=clicked)


def _source(picture: npt.NDArray[np.uint8]) -> str:
    """A picture as an address that holds all of it."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
