"""The learning-rate finder of the form."""

import streamlit as st

from mlpcore import datasets, figures
from mlpcore.datasets import DataUnavailable
from mlpcore.experiment import Experiment, InvalidExperiment
from mlpcore.rate_finder import MAX_BATCH, RATES, RateTest, run_rate_test, steps_per_rate
from mlpcore.training import OutOfMemory
from ui.live_chart import as_json, clickable_chart, last_click

_RESULT = "rate_test"
_CHART = "rate_chart"


def rate_finder(experiment: Experiment | None) -> None:
    """Runs the learning-rate test for `experiment`; a click on its curve puts that rate into the form."""
    st.caption(
        f"Trains a new model at {RATES} learning rates, from tiny to huge. Good rates are where the loss falls "
        "steeply, well before it shoots up. Click a point of the curve to use its rate."
    )
    if st.button("Run the test", key="rate_run", icon=":material/speed:", disabled=experiment is None) and experiment:
        try:
            st.session_state[_RESULT] = experiment, _run(experiment)
        except (InvalidExperiment, OutOfMemory, DataUnavailable) as problem:
            st.error(str(problem), icon=":material/error:")
    if _RESULT not in st.session_state:
        return
    tested, test = st.session_state[_RESULT]
    if experiment and _tested_settings(tested) != _tested_settings(experiment):
        st.caption(":material/info: You have changed the settings since this test.")
    clickable_chart(
        as_json(figures.rate_finder(test.rates, test.losses, test.suggestion)),
        key=_CHART,
        alt="Line chart: training loss against learning rate on a logarithmic axis.",
        height=260,
        on_click=_use_clicked,
    )
    if tested.batch_images > MAX_BATCH:
        st.caption(f"Measured with batches of {MAX_BATCH:,}.")
    if (steps := steps_per_rate(tested)) > 1:
        st.caption(
            f"With batches this small, each rate was tried for {steps} steps; a point is the mean of their losses."
        )
    if test.suggestion is None:
        st.caption("No suggestion: the loss hardly fell at any rate.")
    else:
        st.button(
            f"Use {test.suggestion:.2g}",
            key="rate_use",
            icon=":material/check:",
            on_click=_use,
            args=(test.suggestion,),
            help="The lowest rate at which the loss has made two thirds of its fall: a rule of thumb. You can also "
            "click a point of the curve.",
        )


def _run(experiment: Experiment) -> RateTest:
    bar = st.progress(0.0, text="Trying learning rates")
    for test in run_rate_test(experiment, datasets.load(experiment.data.dataset)):
        bar.progress(test.progress, text=f"{len(test.rates)} of {RATES} learning rates tried")
    bar.empty()
    return test


def _tested_settings(experiment: Experiment) -> Experiment:
    """The experiment without the fields that the test does not use."""
    hyperparameters = experiment.hyperparameters.model_copy(
        update={"learning_rate": 1.0, "schedule": "constant", "epochs": 1, "accumulate": 1, "early_stopping": 0}
    )
    return experiment.model_copy(update={"hyperparameters": hyperparameters})


def _use(rate: float) -> None:
    st.session_state["form_learning_rate"] = f"{rate:.2g}"


def _use_clicked() -> None:
    rate = last_click(_CHART)
    if rate:
        _use(rate)
