"""Points in time as the visitor's clock shows them."""

from datetime import datetime, timedelta, timezone

import streamlit as st


def local_time(moment: datetime) -> datetime:
    """`moment`, which has a time zone, in that of the visitor's browser; in the server's where it is not known."""
    offset = st.context.timezone_offset
    # Streamlit's test runner has something else there.
    zone = timezone(timedelta(minutes=-offset)) if isinstance(offset, int) else None
    return moment.astimezone(zone)


def date_and_time(moment: datetime) -> str:
    """Date and time of `moment` for the visitor, to the minute."""
    return f"{local_time(moment):%Y-%m-%d %H:%M}"
