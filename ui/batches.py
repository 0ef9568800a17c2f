"""The DataLoader at work: real batches as pictures, steps per epoch, and what shuffle and drop_last do."""

import streamlit as st
from torch import Tensor, isin

from mlpcore.datasets import Dataset
from mlpcore.experiment import CLASSES, LIMITS
from mlpcore.exploration import code, epoch_orders, load_batch, steps_per_epoch, torchvision_dataset
from ui.data_address import BATCH, BATCH_SIZE, BATCH_SIZE_FIELD, DROP_LAST, SHUFFLE, batch_size_of
from ui.field_inputs import number, show_problem
from ui.lessons import lesson
from ui.pictures import ink_on_paper
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit

_SHOWN, _SHOWN_OF_EPOCH = 64, 16
_PICTURE_PIXELS = 40


def show_loader(dataset: Dataset) -> None:
    """A DataLoader over the training images, with settings to choose."""
    state, images = st.session_state, len(dataset.train.labels)
    st.markdown(texts("data")["loader"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if "batch_size" not in lesson().hidden:
            st.text_input(
                "Batch size",
                key=BATCH_SIZE_FIELD,
                help=f"Images per batch: {LIMITS['batch_size'].allowed}, or the word full for all images at once.",
                on_change=_take_batch_size,
                args=(dataset,),
                live=True,
                disabled=lesson().locks("batch_size"),
                width=120,
                persist_state="session",
            )
        for name, key, explanation in [
            ("shuffle", SHUFFLE, "A new order in each epoch."),
            ("drop_last", DROP_LAST, "Leaves out the last batch if it is smaller."),
        ]:
            if name not in lesson().hidden:
                st.toggle(name, key=key, help=explanation, disabled=lesson().locks(name), persist_state="session")
    try:
        _typed_batch_size(dataset)
    except ValueError as problem:
        show_problem(str(problem))
    steps = steps_per_epoch(images, state[BATCH_SIZE], state[DROP_LAST])
    number = min(state[BATCH], steps)
    if not lesson().locks("batch"):
        state[BATCH] = number
    st.markdown(_steps_in_words(images, state[BATCH_SIZE], steps))
    st.subheader(f"Batch {number:,} of {steps:,}", anchor=False)
    if "batch" not in lesson().hidden:
        _choose_batch(number, steps)
    _show_batch(dataset, number)
    st.subheader("Two epochs, without and with shuffle", anchor=False)
    _show_two_epochs(dataset)
    _explain(dataset)


def _steps_in_words(images: int, batch_size: int, steps: int) -> str:
    whole, rest = divmod(images, batch_size)
    name = "steps_even" if not rest else "steps_dropped" if steps == whole else "steps_smaller_last"
    return texts("data")[name].format(images=images, batch_size=batch_size, whole=whole, rest=rest, steps=steps)


def _choose_batch(number: int, steps: int) -> None:
    with st.container(horizontal=True):
        for title, icon, other in [
            ("First", ":material/first_page:", 1),
            ("Previous", ":material/chevron_left:", number - 1),
            ("Next", ":material/chevron_right:", number + 1),
            ("Last", ":material/last_page:", steps),
        ]:
            st.button(
                title,
                key=f"data_batch_{title.lower()}",
                icon=icon,
                disabled=other == number or not 1 <= other <= steps or lesson().locks("batch"),
                on_click=_go_to_batch,
                args=(other,),
            )


def _show_batch(dataset: Dataset, number: int) -> None:
    state, size = st.session_state, st.session_state[BATCH_SIZE]
    order, *_ = epoch_orders(len(dataset.train.labels), state[SHUFFLE])
    rows = order[size * (number - 1) : size * number]
    counts = dataset.train.labels[rows].bincount(minlength=CLASSES).tolist()
    with st.container(key="data_counts"):
        st.markdown(
            texts("data")["batch"].format(
                size=len(rows),
                counts=", ".join(f"{name}: **{count:,}**" for name, count in zip(dataset.classes, counts, strict=True)),
            )
        )
    _show_pictures(dataset, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        st.caption(f"The first {_SHOWN} of {len(rows):,} images.")
    show_code(code.loading(size, state[SHUFFLE], state[DROP_LAST], number), key="data_loading_code")


def _show_two_epochs(dataset: Dataset) -> None:
    size = st.session_state[BATCH_SIZE]
    st.caption(f"The first {min(size, _SHOWN_OF_EPOCH)} images of the first batch in each epoch.")
    for shuffle in (False, True):
        orders = epoch_orders(len(dataset.train.labels), shuffle)
        for epoch, order in enumerate(orders, start=1):
            st.markdown(f"`shuffle={shuffle}`, **epoch {epoch}**")
            _show_pictures(dataset, order[: min(size, _SHOWN_OF_EPOCH)])
        first, second = (order[:size] for order in orders)
        name = "same_batch" if first.equal(second) else "other_batch"
        st.markdown(texts("data")[name].format(size=size, common=int(isin(first, second).sum())))
    show_code(code.two_epochs(size), key="data_epochs_code")


def _show_pictures(dataset: Dataset, rows: Tensor) -> None:
    """The images at these rows, as the DataLoader returns them and in its order."""
    images, labels = load_batch(torchvision_dataset(dataset, True), rows)
    with st.container(horizontal=True, gap="xsmall"):
        for image, row, label in zip((255 * images[:, 0]).round().byte(), rows.tolist(), labels.tolist(), strict=True):
            st.image(
                ink_on_paper(image, _PICTURE_PIXELS),
                width=_PICTURE_PIXELS,
                caption=dataset.classes[label],
                alt=f"Image {row:,}, {a_digit(label)}.",
            )


def _explain(dataset: Dataset) -> None:
    size = st.session_state[BATCH_SIZE]
    left, right = st.columns(2, gap="large")
    with left:
        test_steps = steps_per_epoch(len(dataset.test.labels), size, False)
        st.markdown(texts("data")["why_shuffle"].format(test_steps=test_steps, batch_size=size))
        st.page_link(
            "pages/compare.py",
            label="Try three orders of the images",
            icon=":material/compare_arrows:",
            query_params={"claim": "order"},
        )
    with right:
        st.markdown(texts("data")["why_batches"].format(images=len(dataset.train.labels)))
        st.page_link(
            "pages/compare.py",
            label="Try large and small batches",
            icon=":material/compare_arrows:",
            query_params={"claim": "batch-size"},
        )


def _go_to_batch(number: int) -> None:
    st.session_state[BATCH] = number


def _take_batch_size(dataset: Dataset) -> None:
    try:
        st.session_state[BATCH_SIZE] = _typed_batch_size(dataset)
    except ValueError:
        return
    if not lesson().locks("batch"):
        st.session_state[BATCH] = 1


def _typed_batch_size(dataset: Dataset) -> int:
    return batch_size_of(number("batch_size", st.session_state[BATCH_SIZE_FIELD]), dataset)
