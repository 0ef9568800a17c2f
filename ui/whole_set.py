"""A whole set of images: how many of each digit, their pixel values, mean images, typical and untypical images."""

import streamlit as st

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import CLASSES
from mlpcore.exploration import (
    by_distance,
    class_counts,
    code,
    distances_to_mean,
    mean_and_std,
    mean_images,
    pixel_counts,
    scale,
)
from mlpcore.figures import data as figures
from ui.data_address import SPLIT, TYPICAL, images_of
from ui.image_browser import choose_split, pictures_to_open
from ui.lessons import lesson
from ui.pictures import ink_on_paper
from ui.show_code import show_code
from ui.texts import texts

_TYPICAL_COUNT = 8
_MEAN_PIXELS = 56
_NAMES = {"train": "training images", "test": "test images"}


def show_whole_set(dataset: Dataset) -> None:
    """All images of the chosen set."""
    choose_split(dataset)
    split, images = st.session_state[SPLIT], images_of(dataset)
    left, right = st.columns(2, gap="large")
    with left:
        _balance(dataset, images, _NAMES[split])
    with right:
        _pixels(dataset, images, _NAMES[split])
    st.subheader("Mean image of each digit", anchor=False)
    st.markdown(texts("data")["means"])
    means = list(zip((255 * mean_images(images)).round().byte(), dataset.classes, strict=True))
    with st.container(horizontal=True, gap="xsmall", key="data_means"):
        # Two halves, so that a narrow screen has five and five.
        for half in (means[:5], means[5:]):
            with st.container(horizontal=True, gap="xsmall", width="content"):
                for mean, name in half:
                    st.image(
                        ink_on_paper(mean, _MEAN_PIXELS),
                        width=_MEAN_PIXELS,
                        caption=name,
                        alt=f"Mean of all images of {name}.",
                    )
    st.subheader("Most and least typical digits", anchor=False)
    _typical(images)
    show_code(code.whole_set(split == "train", st.session_state[TYPICAL], _TYPICAL_COUNT), key="data_set_code")


def _balance(dataset: Dataset, images: Images, name: str) -> None:
    st.subheader("Images per digit", anchor=False)
    counts = {_NAMES[split]: class_counts(of) for split, of in [("train", dataset.train), ("test", dataset.test)]}
    st.plotly_chart(
        figures.class_balance(counts, dataset.classes),
        key="data_balance",
        alt="Bar chart: each digit's share of the training images and of the test images.",
        height=260,
    )
    here = counts[name]
    rarest, commonest = int(here.argmin()), int(here.argmax())
    st.caption(
        texts("data")["balance"].format(
            fewest=int(here[rarest]),
            rarest=dataset.classes[rarest],
            most=int(here[commonest]),
            commonest=dataset.classes[commonest],
            name=name,
            share=100 * int(here[commonest]) / len(images.labels),
        )
    )


def _pixels(dataset: Dataset, images: Images, name: str) -> None:
    st.subheader("Pixel values", anchor=False)
    counts = pixel_counts(images)
    values = scale("tensor", (dataset.mean, dataset.std))
    mean, std = mean_and_std(values, counts)
    st.plotly_chart(
        figures.pixel_histogram(values, counts, mean, name),
        key="data_pixels",
        alt=f"Histogram of all pixel values of the {name}, on a scale from 0 to 1.",
        height=260,
    )
    total = int(counts.sum())
    st.caption(
        texts("data")["pixels"].format(pixels=total, name=name, mean=mean, std=std, empty=100 * int(counts[0]) / total)
        + texts("data")["normalize_with"].format(mean=dataset.mean, std=dataset.std)
    )


def _typical(images: Images) -> None:
    st.markdown(texts("data")["typical"].format(pixels=images.images[0].numel()))
    if "typical" not in lesson().hidden:
        st.segmented_control(
            "Digit",
            range(CLASSES),
            key=TYPICAL,
            required=True,
            wrap=True,
            disabled=lesson().locks("typical"),
            persist_state="session",
        )
    digit: int = st.session_state[TYPICAL]
    order, distances = by_distance(images, digit), distances_to_mean(images)
    for title, rows in [("most", order[:_TYPICAL_COUNT]), ("least", order.flip(0)[:_TYPICAL_COUNT])]:
        st.markdown(f"**{title.capitalize()} typical**, with the distance to the mean image")
        notes = [f"{distance:.2f}" for distance in distances[rows].tolist()]
        pictures_to_open(images, rows.tolist(), notes, f"data_{title}", f"{title.capitalize()} typical")
