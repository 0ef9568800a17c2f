"""Buttons with pictures: only what can be clicked is taken from the browser."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui import picture_buttons


@pytest.mark.parametrize(("sent", "taken"), [(7, [7]), (8, []), (9, []), ("7", []), (None, []), ({"x": 1}, [])])
def test_only_a_button_that_can_be_clicked_is_heard(
    sent: object, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def component(key: str, data: dict[str, Any], on_clicked_change: Callable[[], None]) -> None:
        import streamlit as st

        st.session_state[key] = SimpleNamespace(clicked=sent)
        on_clicked_change()

    def page() -> None:
        import numpy as np
        import streamlit as st

        from ui.picture_buttons import PictureButton, picture_buttons

        taken = st.session_state["taken"] = []
        picture = np.zeros((28, 28), np.uint8)
        picture_buttons(
            [PictureButton(7, picture, "7", "", "7"), PictureButton(8, None, "8", "", "8", disabled=True)],
            key="pictures",
            label="Pictures",
            side=28,
            pressed=None,
            on_click=taken.append,
        )

    monkeypatch.setattr(picture_buttons, "_COMPONENT", component)
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["taken"] == taken
