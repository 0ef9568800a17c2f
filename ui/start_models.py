"""Both of the tutorial's models in one click, with a seed of one's own, and the way on from there."""

from collections.abc import Sequence

import streamlit as st

from mlpcore import runs
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.identity import seed_of
from mlpcore.runs import Run, Status
from ui.glossary import meaning
from ui.lessons import lesson
from ui.run_monitor import REFRESH_SECONDS, STATUS_BADGES, progress_in_words
from ui.session import owner
from ui.words import percent, plain

_PRESETS = TUTORIAL_PRESETS["one-hidden"], TUTORIAL_PRESETS["two-hidden"]
_ROWS = 5
"""Pairs in the table; the spread is that of all of them."""

Pair = tuple[Run, Run]
"""Runs of both models with the same seed."""


def train_both(ready: bool) -> None:
    """A button that trains both once the images are there, their progress, and links to what can be done with them."""
    if lesson().locks("train_both"):
        return
    pairs = _pairs()
    seed = _next_seed(pairs)
    running = any(not run.status.is_final for pair in pairs.values() for run in pair)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Train both again with a new seed" if pairs else "Train both tutorial models",
            key="start_train_both",
            type="primary",
            icon=":material/play_arrow:",
            disabled=running or not ready,
            help="One and two hidden layers, five passes over 60,000 digits each.",
        ):
            for preset in _PRESETS:
                runs.queue.submit(preset.changed(seed=seed), owner())
            st.rerun()
        st.caption(
            f"Your next seed: **{seed}**",
            width="content",
            help=f"{meaning('seed')}\n\nYours comes from this browser, so that everybody in a class gets a "
            "result of their own. Each time you train both models, the next seed is used.",
        )
    if pairs:
        st.fragment(_progress, run_every=REFRESH_SECONDS if running else None)(was_running=running)


def _pairs() -> dict[int, Pair]:
    """One's own runs of these two experiments by their seeds, those started last at the end."""
    mine = {run.experiment: run for run in reversed(runs.queue.runs()) if run.owner == owner()}
    first, second = _PRESETS
    return {
        run.experiment.seed: (one, run)
        for run in mine.values()
        if run.experiment == second.changed(seed=run.experiment.seed)
        and (one := mine.get(first.changed(seed=run.experiment.seed)))
    }


def _next_seed(pairs: dict[int, Pair]) -> int:
    """The first seed from one's own on with which these two have not been trained."""
    seed = seed_of(owner())
    while seed in pairs:
        seed += 1
    return seed


def _progress(*, was_running: bool) -> None:
    pairs = _pairs()
    if not pairs:
        return
    newest = list(pairs.values())[-1]
    if was_running and all(run.status.is_final for run in newest):
        st.rerun()
    for run, column in zip(newest, st.columns(2), strict=True):
        with column:
            icon, _ = STATUS_BADGES[run.status]
            st.markdown(f"{icon} **{run.experiment.architecture.title}**, seed {run.experiment.seed}")
            if run.outcome:
                st.markdown(f"{percent(run.outcome.test_accuracy, 2)} of the test digits right")
            else:
                st.progress(run.progress, text=plain(run.error) if run.error else progress_in_words(run))
    finished = {seed: pair for seed, pair in pairs.items() if all(run.status is Status.FINISHED for run in pair)}
    if len(finished) > 1:
        _show_spread(finished)
    if all(run.outcome for run in newest):
        _show_ways_on(newest)


def _show_spread(finished: dict[int, Pair]) -> None:
    """The results with each seed, and how far they lie apart."""
    accuracies = {seed: [run.outcome.test_accuracy for run in pair if run.outcome] for seed, pair in finished.items()}
    titles = [preset.architecture.title for preset in _PRESETS]
    rows = [
        f"| {seed} | {percent(one, 2)} | {percent(two, 2)} |" for seed, (one, two) in list(accuracies.items())[-_ROWS:]
    ]
    st.markdown("\n".join([f"| Seed | {' | '.join(titles)} |", "|---|---|---|", *rows]))
    one, two = map(_points, zip(*accuracies.values(), strict=True))
    st.caption(
        f"{len(finished)} seeds, all else equal: the results with one hidden layer lie up to {one} points apart, with "
        f"two up to {two}. A difference between the two networks that is no larger may be luck."
    )


def _points(accuracies: Sequence[float]) -> str:
    return f"{100 * (max(accuracies) - min(accuracies)):.2f}"


def _show_ways_on(newest: Pair) -> None:
    first = seed_of(owner())
    with st.container(horizontal=True):
        st.page_link(
            "pages/compare.py",
            label="Is one of them better, or lucky?",
            icon=":material/compare_arrows:",
            # What is trained already with these seeds is not trained again.
            query_params={"model": ["hidden:256", "hidden:512,256"], "all": f"validation:0 seed:{first}", "seeds": "5"},
        )
        st.page_link(
            "pages/draw.py",
            label="Draw a digit for them",
            icon=":material/draw:",
            query_params={"models": ",".join(run.id for run in newest)},
        )
