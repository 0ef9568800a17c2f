"""Downloads a dataset before a page needs it, with a progress bar, or says why that failed."""

import streamlit as st

from mlpcore import datasets
from mlpcore.experiment import DatasetName
from ui.time_ahead import measure_speed


def dataset_ready(name: DatasetName) -> bool:
    """Downloads the dataset on first use; False, with the reason on screen, if it is not available."""
    if not (datasets.is_on_disk(name) or _fetched(name)):
        return False
    measure_speed(name)
    return True


def _fetched(name: DatasetName) -> bool:
    bar = st.progress(0.0, text="Preparing the images")

    def show(share: float, sentence: str) -> None:
        bar.progress(share, text=sentence)

    try:
        datasets.fetch(name, show)
    except datasets.DataUnavailable as problem:
        st.error(str(problem), title="The images are not available", icon=":material/cloud_off:")
        st.button("Try again", key="data_try_again", icon=":material/refresh:")
        return False
    finally:
        bar.empty()
    return True
