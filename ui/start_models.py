"""Both of the tutorial's models in one click, and the way on from there."""

import streamlit as st

from mlpcore import runs
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.runs import Run
from ui.run_monitor import REFRESH_SECONDS, STATUS_BADGES, progress_in_words
from ui.session import owner
from ui.words import percent

_PRESETS = TUTORIAL_PRESETS["one-hidden"], TUTORIAL_PRESETS["two-hidden"]
_SAME_IN_COMPARE = {
    "model": ["hidden:256", "hidden:512,256"],
    "all": "validation:0",
    "seeds": "5",
}
"""The address of the Compare page with these two experiments; what is trained already is not trained again."""


def train_both(ready: bool) -> None:
    """A button that trains both once the images are there, their progress, and links to what can be done with them."""
    pair = _pair()
    running = any(not run.status.is_final for run in pair)
    if st.button(
        "Train both tutorial models",
        key="start_train_both",
        type="primary",
        icon=":material/play_arrow:",
        disabled=running or not ready,
        help="One and two hidden layers, five passes over 60,000 digits each: about half a minute.",
    ):
        for preset in _PRESETS:
            runs.queue.submit(preset, owner())
        st.rerun()
    if pair:
        st.fragment(_progress, run_every=REFRESH_SECONDS if running else None)(was_running=running)


def _pair() -> list[Run]:
    """The newest run of one's own with each of the two experiments."""
    mine = [run for run in runs.queue.runs() if run.owner == owner()]
    newest = [next((run for run in mine if run.experiment == preset), None) for preset in _PRESETS]
    return [run for run in newest if run]


def _progress(*, was_running: bool) -> None:
    pair = _pair()
    if was_running and all(run.status.is_final for run in pair):
        st.rerun()
    for run, column in zip(pair, st.columns(len(pair)), strict=True):
        with column:
            icon, _ = STATUS_BADGES[run.status]
            st.markdown(f"{icon} **{run.experiment.architecture.title}**")
            if run.outcome:
                st.markdown(f"{percent(run.outcome.test_accuracy, 2)} of the test digits right")
            else:
                st.progress(run.progress, text=run.error or progress_in_words(run))
    if len(pair) == 2 and all(run.outcome for run in pair):
        with st.container(horizontal=True):
            st.page_link(
                "pages/compare.py",
                label="Is one of them better, or lucky?",
                icon=":material/compare_arrows:",
                query_params=_SAME_IN_COMPARE,
            )
            st.page_link(
                "pages/draw.py",
                label="Draw a digit for them",
                icon=":material/draw:",
                query_params={"models": ",".join(run.id for run in pair)},
            )
