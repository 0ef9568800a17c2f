"""One image, large, and its numbers: as stored, after ToTensor, after Normalize."""

import streamlit as st
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.exploration import (
    STAGES,
    Stage,
    Summary,
    as_trained_on,
    code,
    pixel_counts,
    scale,
    summary,
    through_torchvision,
)
from mlpcore.exploration.statistics import LEVELS
from mlpcore.figures import data as figures
from ui.data_address import IMAGE, LEFT, LENS, LENS_PLACES, SPLIT, STAGE, TOP, images_of
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit

_PIXELS = 784
_NAMES: dict[Stage, str] = {"raw": "Raw, 0 to 255", "tensor": "After ToTensor", "normalized": "After Normalize"}


def show_image(dataset: Dataset) -> None:
    """The chosen image, large, with a frame around the part whose numbers are shown."""
    state, images = st.session_state, images_of(dataset)
    image, label = images.images[state[IMAGE]], int(images.labels[state[IMAGE]])
    st.subheader(f"Image {state[IMAGE]:,}: {dataset.classes[label]}", anchor=False)
    live_chart(
        as_json(figures.image_with_frame(image, state[TOP], state[LEFT], LENS)),
        key="data_image_large",
        alt=f"Image {state[IMAGE]:,}, {a_digit(label)}, enlarged, with a frame around the pixels shown as numbers.",
        height=280,
    )
    if "lens" not in lesson().hidden:
        for column, title, name in zip(st.columns(2), ("Rows from", "Columns from"), (TOP, LEFT), strict=True):
            with column:
                st.slider(
                    title,
                    int(LENS_PLACES.low),
                    int(LENS_PLACES.high),
                    key=name,
                    disabled=lesson().locks("lens"),
                    persist_state="session",
                )


def show_transforms(dataset: Dataset) -> None:
    """The numbers of the chosen image before and after the transforms."""
    state, image = st.session_state, images_of(dataset).images[st.session_state[IMAGE]]
    normalization = dataset.mean, dataset.std
    st.subheader("Its pixels as numbers", anchor=False)
    if "stage" not in lesson().hidden:
        st.segmented_control(
            "Its pixels",
            STAGES,
            key=STAGE,
            format_func=_NAMES.__getitem__,
            required=True,
            disabled=lesson().locks("stage"),
            label_visibility="collapsed",
            persist_state="session",
        )
    stage: Stage = state[STAGE]
    values = through_torchvision(image, stage, normalization)
    ends = scale(stage, normalization)
    paper, ink = float(ends[0]), float(ends[-1])
    st.markdown(texts("data")[stage].format(mean=dataset.mean, std=dataset.std, paper=f"{paper:.4f}".replace("-", "−")))
    left, right = st.columns(2, gap="large")
    with left:
        top, start = state[TOP], state[LEFT]
        part = values[top : top + LENS, start : start + LENS]
        live_chart(
            as_json(figures.pixel_numbers(part, paper, ink, top, start)),
            key="data_numbers",
            alt=f"The pixel values of rows {top} to {top + LENS - 1} and columns {start} to {start + LENS - 1}.",
            height=340,
        )
        st.caption(
            "The part of the image inside the frame."
            + ("" if lesson().locks("lens") else " Move the frame with the two sliders.")
        )
    with right:
        _histogram(dataset, image, stage)
    _compare_with_training(values, as_trained_on(image, stage, normalization))
    rows = code.transforming(state[SPLIT] == "train", state[IMAGE], stage, normalization, state[TOP], state[LEFT], LENS)
    show_code(rows, key="data_transforming_code")


def _histogram(dataset: Dataset, image: Tensor, stage: Stage) -> None:
    normalization = dataset.mean, dataset.std
    of_image, of_all = image.flatten().bincount(minlength=LEVELS), pixel_counts(dataset.train)
    here, everywhere = (summary(counts, stage, normalization) for counts in (of_image, of_all))
    live_chart(
        as_json(
            figures.pixel_histogram(
                scale(stage, normalization), of_all, everywhere.mean, "all training images", of_image
            )
        ),
        key="data_histogram",
        alt=f"Histogram of the pixel values ({_NAMES[stage]}) of this image and of all training images.",
        height=250,
    )
    st.table(
        {
            "": ["dtype", "minimum", "maximum", "mean", "std"],
            "This image": _column(here),
            "All training images": _column(everywhere),
        },
        alt="Type, minimum, maximum, mean and standard deviation of the pixels.",
    )


def _column(figures: Summary) -> list[str]:
    numbers = [figures.low, figures.high, figures.mean, figures.std]
    if figures.dtype == "uint8":
        shown = [f"{figures.low:.0f}", f"{figures.high:.0f}", f"{figures.mean:.2f}", f"{figures.std:.2f}"]
    else:
        shown = [f"{value:.4f}".replace("-", "−") for value in numbers]
    return [figures.dtype, *shown]


def _compare_with_training(values: Tensor, trained_on: Tensor) -> None:
    if values.equal(trained_on):
        st.caption(texts("data")["agree"].format(pixels=_PIXELS))
    else:
        difference = f"{float((values - trained_on).abs().max()):.1e}".replace("-", "−")
        st.warning(texts("data")["differ"].format(difference=difference), icon=":material/warning:")
