"""What a model looks like and costs, beside the form while one edits."""

import streamlit as st

from mlpcore import figures, runs
from mlpcore.experiment import Experiment
from mlpcore.network import flops_per_image, model_bytes, parameter_count, training_bytes
from ui.words import bytes_in_words, duration, short_count


def show_costs(experiment: Experiment) -> None:
    """Draws the network of `experiment` and its costs."""
    architecture = experiment.architecture
    st.markdown(f"**The network of the form:** {architecture.title}")
    st.plotly_chart(
        figures.network_drawing(architecture),
        key="costs_drawing",
        alt=f"Drawing of the network: layers of {', '.join(map(str, architecture.sizes))} neurons.",
        config={"displayModeBar": False},
    )
    seconds = runs.queue.measured_seconds(experiment)
    costs = {
        "Parameters": (f"{parameter_count(architecture):,}", "Weights and biases: the numbers that training adjusts."),
        "FLOPs/image": (
            short_count(flops_per_image(architecture)),
            "Multiplications and additions of one forward pass; learning from the image takes about three times that.",
        ),
        "Memory": (
            bytes_in_words(model_bytes(architecture)),
            f"For the model itself. Training takes about {bytes_in_words(training_bytes(experiment))}, since "
            "gradients, the optimizer's memory and a batch's outputs come on top.",
        ),
        "Steps/epoch": (
            f"{experiment.steps_per_epoch:,}",
            f"{experiment.data.train_images:,} images in batches of {experiment.batch_images:,}; "
            f"{experiment.total_steps:,} steps in all.",
        ),
        "Time/epoch": (
            duration(seconds) if seconds else "–",
            "Measured by the last run of such a model on this machine." if seconds
            else "Known once a model of these sizes has trained an epoch here.",
        ),
    }  # fmt: skip
    with st.container(horizontal=True, gap="xsmall"):
        for label, (value, explanation) in costs.items():
            st.metric(label, value, help=explanation, width="content")
