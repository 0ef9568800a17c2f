"""What the model in the form looks like, and what it costs."""

import streamlit as st

from mlpcore import figures, runs
from mlpcore.experiment import Experiment
from mlpcore.network import flops_per_image, model_bytes, parameter_count, training_bytes
from ui.glossary import meaning
from ui.words import bytes_in_words, duration, short_count


def costs_in_brief(experiment: Experiment) -> str:
    """What would be trained and how long it takes, in one line."""
    seconds = runs.queue.measured_seconds(experiment)
    epochs, patience = experiment.hyperparameters.epochs, experiment.hyperparameters.early_stopping
    return " · ".join(
        [
            experiment.architecture.title,
            f"{parameter_count(experiment.architecture):,} parameters",
            f"{'up to ' if patience else ''}{epochs} epoch{'s' if epochs > 1 else ''}"
            + (f", about {duration(seconds * epochs)}" if seconds else ""),
        ]
    )


def show_costs(experiment: Experiment) -> None:
    """Draws the network of `experiment` and shows its costs."""
    architecture = experiment.architecture
    st.markdown(f"**{architecture.title}**")
    st.plotly_chart(
        figures.network_drawing(architecture),
        key="costs_drawing",
        alt=f"Drawing of the network: layers of {', '.join(map(str, architecture.sizes))} neurons.",
        config={"displayModeBar": False},
    )
    seconds = runs.queue.measured_seconds(experiment)
    costs = {
        "Parameters": (f"{parameter_count(architecture):,}", meaning("parameter")),
        "FLOPs/image": (
            short_count(flops_per_image(architecture)),
            "Floating-point operations in one forward pass. Training on the image takes about three times as many.",
        ),
        "Memory": (
            bytes_in_words(model_bytes(architecture)),
            f"For the parameters. Training takes about {bytes_in_words(training_bytes(experiment))}, which includes "
            "gradients, the optimizer's state and the outputs for a batch.",
        ),
        "Steps/epoch": (
            f"{experiment.steps_per_epoch:,}",
            f"{experiment.data.train_images:,} images in batches of {experiment.batch_images:,}; "
            f"{experiment.total_steps:,} steps in total.",
        ),
        "Time/epoch": (
            duration(seconds) if seconds else "–",
            "Measured in the last run of a model like this on this machine." if seconds
            else "Not known until a model of these sizes has trained for an epoch on this machine.",
        ),
    }  # fmt: skip
    with st.container(horizontal=True, gap="xsmall"):
        for label, (value, explanation) in costs.items():
            st.metric(label, value, help=explanation, width="content")
