"""Scrolling to a place on the page, where what a click has asked for appears out of sight."""

import streamlit as st

_SCROLL = st.components.v2.component(
    "scroll_here",
    css="span { display: block; scroll-margin-top: 5rem; }",  # below Streamlit's own bar
    html="<span></span>",
    js="""
export default function ({ parentElement }) {
  parentElement.querySelector("span").scrollIntoView({ block: "nearest" });
}
""",
    isolate_styles=True,
)


def scroll_here(key: str) -> None:
    """Brings this place into view when an element with this key appears, but not when the page runs again."""
    _SCROLL(key=key, height=1)
