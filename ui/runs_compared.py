"""Several runs together: their curves in shared charts, and everything tried so far, best first."""

from collections import defaultdict

import numpy as np
import streamlit as st

from mlpcore import figures
from mlpcore.comparison.plan import what_differs
from mlpcore.experiment import Experiment
from mlpcore.figures import Quantity
from mlpcore.runs import Run, Status
from ui.live_chart import as_json, live_chart
from ui.session import called, visible_runs
from ui.words import plain

MOST_CURVES = 6
_CURVES: dict[Quantity, str] = {
    "loss": "Training loss",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
}


def overlay(chosen: list[Run]) -> None:
    """The curves of up to six runs, in one chart for each quantity."""
    shown = chosen[:MOST_CURVES]
    if len(chosen) > MOST_CURVES:
        st.caption(f"Charts show the first {MOST_CURVES} of the {len(chosen)} selected runs.")
    names = [f"{called(run)}: {run.name or run.experiment.architecture.title}" for run in shown]
    epochs = max(run.experiment.hyperparameters.epochs for run in shown)
    histories = [[run.history] for run in shown]
    validated = any(run.experiment.data.validation for run in shown)
    curves = {quantity: title for quantity, title in _CURVES.items() if validated or quantity == "loss"}
    for (quantity, title), column in zip(curves.items(), st.columns(len(curves)), strict=True):
        with column:
            st.markdown(f"**{title}**")
            live_chart(
                as_json(figures.curves_over_seeds(names, histories, quantity, epochs)),
                key=f"overlay_{quantity}_{'_'.join(run.id for run in shown)}",
                alt=f"Line chart: {title.lower()} against epoch for {'; '.join(names)}.",
                height=300,
            )
    if not validated:
        st.caption("There are no validation curves, since no images were set aside for validation.")
    differences = what_differs([run.experiment for run in shown])
    if differences:
        st.markdown("**Settings that differ**")
        st.table(
            {
                "": list(differences),
                **{plain(name): [values[place] for values in differences.values()] for place, name in enumerate(names)},
            },
            alt="The settings in which the selected runs differ.",
        )


def what_was_tried() -> None:
    """Every experiment tried, with any seed, best first by validation accuracy."""
    tried: dict[Experiment, list[Run]] = defaultdict(list)
    for run in visible_runs():
        if run.outcome and run.status is Status.FINISHED:
            # Not `changed`, which would validate everything again: any seed is valid with all other settings.
            tried[run.experiment.model_copy(update={"seed": 0})].append(run)
    if not tried:
        return
    st.subheader("Everything tried, best first")
    differences = what_differs(list(tried))
    architectures = differences.pop("Architecture", [experiment.architecture.title for experiment in tried])
    rows = []
    for place, of in enumerate(tried.values()):
        outcomes = [run.outcome for run in of if run.outcome]
        validation = [outcome.val_accuracy for outcome in outcomes if outcome.val_accuracy is not None]
        on_validation = 100 * float(np.mean(validation)) if validation else None
        on_test = 100 * float(np.mean([outcome.test_accuracy for outcome in outcomes]))
        row = {
            "Architecture": architectures[place],
            "Runs": len(of),
            "Validation accuracy": on_validation,
            "Test accuracy": on_test,
            **{label: values[place] for label, values in differences.items()},
        }
        dataset = of[0].experiment.data.dataset
        rows.append((dataset, on_validation is None, -(on_validation or on_test), row))
    rows.sort(key=lambda ranked: ranked[:3])
    st.dataframe(
        [row for *_, row in rows],
        key="runs_tried",
        hide_index=True,
        alt="Table of all experiments, best first: architecture, runs, accuracies and settings that differ.",
        column_config={
            "Validation accuracy": st.column_config.NumberColumn(
                format="%.2f %%", help="Empty for runs without validation images."
            ),
            "Test accuracy": st.column_config.NumberColumn(format="%.2f %%"),
        },
    )
    st.caption(
        "Means over the runs of each experiment, sorted by validation accuracy: if you choose by test accuracy, the "
        "test is no longer fair. Experiments without validation images come last. The Compare page tells whether a "
        "difference is more than chance."
    )
