"""Data: the images as a network gets them, one by one, all together, and in batches."""

import streamlit as st

from mlpcore import datasets
from mlpcore.datasets import Dataset
from ui.batches import show_loader
from ui.data_address import PAGE, VIEW, VIEWS, address, note_address, take_address
from ui.data_gate import dataset_ready
from ui.field_inputs import plain
from ui.image_browser import browse_images
from ui.lessons import lesson, offer_lesson, show_lesson
from ui.navigation import through_app
from ui.texts import texts
from ui.transforms import show_transforms
from ui.whole_set import show_whole_set


@st.fragment
def show_view(view: str, dataset: Dataset) -> None:
    """What is looked at; a click in it runs nothing else of the page."""
    if view != st.session_state[VIEW]:
        # An image opens in another view than the one in which it was clicked.
        st.rerun()
    match view:
        case "images":
            browse_images(dataset)
            show_transforms(dataset)
        case "set":
            show_whole_set(dataset)
        case "loader":
            show_loader(dataset)
    note_address()


through_app()

st.title("Data")
if not dataset_ready("mnist"):
    st.stop()
dataset = datasets.load("mnist")
rows, columns = dataset.train.images.shape[1:]
st.caption(
    texts("data")["intro"].format(
        train=len(dataset.train.labels), test=len(dataset.test.labels), rows=rows, columns=columns
    )
)
show_lesson(PAGE)
for problem in take_address(dataset):
    st.warning(f"Part of the link could not be used. {plain(problem)}", icon=":material/link_off:")
if "view" not in lesson().hidden:
    st.segmented_control(
        "What to look at",
        VIEWS,
        key=VIEW,
        format_func={"images": "Images", "set": "All together", "loader": "DataLoader"}.__getitem__,
        required=True,
        disabled=lesson().locks("view"),
        label_visibility="collapsed",
        persist_state="session",
    )
show_view(st.session_state[VIEW], dataset)
offer_lesson(PAGE, address)
