"""How long a training will take, from the speed of this computer as it is now."""

import os
from collections.abc import Sequence

import streamlit as st

from mlpcore import datasets
from mlpcore.claims import Claim
from mlpcore.claims.forecast import first_training
from mlpcore.comparison.batch import relative_cost
from mlpcore.comparison.costs import seconds_per_cost
from mlpcore.comparison.job import jobs
from mlpcore.comparison.result_cache import ResultCache
from mlpcore.experiment import DatasetName, Experiment
from ui.words import duration

_FRESH_SECONDS = 300
"""How long a measured speed is used; a computer may get busy in the meantime."""


def seconds_for(experiments: Sequence[Experiment]) -> float:
    """About how many seconds these experiments take, side by side; those trained before take none."""
    cache = ResultCache(jobs)
    missing = [experiment for experiment in experiments if experiment not in cache]
    if not missing:
        return 0.0
    side_by_side = max(1, min(len(missing), (os.cpu_count() or 1) // missing[0].threads))
    speed = _seconds_per_cost(missing[0].data.dataset)
    return sum(map(relative_cost, missing)) * speed / side_by_side


def seconds_for_claim(claim: Claim) -> float | None:
    """About how many seconds an investigation takes; None if it trains nothing, and so cannot be estimated."""
    experiments, share = first_training(claim)
    return seconds_for(experiments) / share if experiments else None


def say_how_long(claim: Claim) -> None:
    """Says about how long an investigation takes on this computer."""
    seconds = seconds_for_claim(claim)
    if seconds is None:
        st.caption("It measures times and trains nothing to the end; how long that takes is not known beforehand.")
    elif seconds == 0:
        st.caption("All its runs were trained here before: the result comes at once.")
    else:
        st.caption(f"About {duration(seconds)} on this computer, at its speed just measured; longer if it gets busier.")


@st.cache_data(show_spinner=False, ttl=_FRESH_SECONDS)
def _seconds_per_cost(dataset: DatasetName) -> float:
    return seconds_per_cost(datasets.load(dataset))
