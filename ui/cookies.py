"""What a browser remembers across reloads.

Streamlit reads cookies, as they were when the page was loaded, but cannot set any. An invisible component does that.
"""

import streamlit as st

_YEAR_SECONDS = 365 * 24 * 3600

_COMPONENT = st.components.v2.component(
    "cookie",
    js="export default ({ data }) => { document.cookie = data; };",
)


def set_cookie(name: str, value: str) -> None:
    """Lets the browser keep `value`, which consists of letters, digits, dots, hyphens and underscores, for a year."""
    cookie = f"{name}={value}; path=/; max-age={_YEAR_SECONDS}; SameSite=Lax"
    _COMPONENT(key=f"cookie_{name}", data=cookie, height=1)
