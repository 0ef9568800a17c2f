"""What the tests of all pages share."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st

from mlpcore import runs
from mlpcore.datasets import Dataset
from mlpcore.runs import RunQueue
from ui import picture_buttons


@pytest.fixture
def queue(mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunQueue]:
    """A queue of the test's own in place of the process's."""
    queue = RunQueue(load=lambda name: mnist, cores=2)
    monkeypatch.setattr(runs, "queue", queue)
    yield queue
    queue.close()


@pytest.fixture(autouse=True)
def pictures_as_buttons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's own buttons in place of those with pictures, which only a browser shows: `key_0`, `key_1`, …"""

    def show(key: str, data: dict[str, Any], on_clicked_change: Callable[[], None]) -> None:
        def click(value: int) -> None:
            st.session_state[key] = SimpleNamespace(clicked=value)
            on_clicked_change()

        for place, picture in enumerate(data["pictures"]):
            title = f"**{picture['title']}**" if picture["pressed"] else picture["title"]
            arguments = {"on_click": click, "args": (picture["value"],), "disabled": picture["disabled"]}
            st.button(title, key=f"{key}_{place}", **arguments)

    monkeypatch.setattr(picture_buttons, "_COMPONENT", show)
