"""Why hidden layers help: what they make of the digits, seen as points, and seen while they learn."""

import streamlit as st

from ui.lessons import lesson
from ui.projector import show_projector
from ui.two_neurons import show_two_neurons


def show_depth() -> None:
    """The projector, and below it the window on a layer of two neurons."""
    st.subheader("The digits as points", anchor=False)
    show_projector()
    if not lesson().locks("two_neurons"):
        st.subheader("Two neurons, while they learn", anchor=False)
        show_two_neurons()
