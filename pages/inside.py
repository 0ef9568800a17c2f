"""Inside: one image's way through a model, one training step call by call, and what the two modes change."""

import streamlit as st

from mlpcore import datasets
from ui.data_gate import dataset_ready
from ui.field_inputs import plain
from ui.inside.address import PAGE, VIEW, VIEWS, address, note_address, take_address
from ui.inside.binary import show_yes_or_no
from ui.inside.forward import walk_forward
from ui.inside.modes import show_modes
from ui.inside.step import show_step
from ui.lessons import lesson, offer_lesson, show_lesson
from ui.navigation import through_app
from ui.projector import show_projector
from ui.texts import texts
from ui.two_neurons import show_two_neurons

through_app()

st.title("Inside a network")
st.caption(texts("inside")["intro"])
show_lesson(PAGE)
if not dataset_ready("mnist"):
    st.stop()
dataset = datasets.load("mnist")
for problem in take_address():
    st.warning(f"Part of the link could not be used. {plain(problem)}", icon=":material/link_off:")
views = [name for name in VIEWS if name != "two_neurons" or not lesson().locks("two_neurons")]
if st.session_state[VIEW] not in views:
    st.session_state[VIEW] = views[0]
if "view" not in lesson().hidden:
    st.segmented_control(
        "What to look into",
        views,
        key=VIEW,
        format_func=VIEWS.__getitem__,
        required=True,
        disabled=lesson().locks("view"),
        label_visibility="collapsed",
        persist_state="session",
    )
match st.session_state[VIEW]:
    case "forward":
        walk_forward(dataset)
    case "step":
        show_step(dataset)
    case "modes":
        show_modes(dataset)
    case "binary":
        show_yes_or_no(dataset)
    case "depth":
        show_projector()
    case "two_neurons":
        show_two_neurons()
note_address()
offer_lesson(PAGE, address)
