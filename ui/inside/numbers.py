"""Numbers for formulas."""

import math
from typing import Literal, TypedDict


def in_latex(value: float) -> str:
    """A number for a formula, e.g. ``2.303``, ``12{,}345``, ``4.1 \\cdot 10^{-7}``."""
    if math.isnan(value) or math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty" if value < 0 else r"\text{not a number}"
    if 0.999 < value < 1:
        # As many digits as it takes to see that it is not 1.
        return f"{value:.{2 - math.floor(math.log10(1 - value))}f}"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        # Four significant digits below 1, enough to check the formula by hand.
        magnitude = math.floor(math.log10(abs(value))) if value else 0
        digits = 0 if magnitude >= 4 else 3 - min(magnitude, 0)
        return f"{value:,.{digits}f}".replace(",", "{,}")
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def in_words(value: float) -> str:
    """A number of any size to four digits, e.g. ``2.303`` or ``4.1e−07``, with a true minus sign."""
    return with_minus(f"{value:.4g}")


def with_minus(text: str) -> str:
    """A number's `text` with a true minus sign in place of the hyphen."""
    return text.replace("-", "−")


class Change(TypedDict, total=False):
    """How `st.metric` shows a change: its text, and what Streamlit would otherwise take from a hyphen in it."""

    delta: str
    delta_arrow: Literal["up", "down", "off"]
    delta_color: Literal["green", "red", "gray"]


def change(value: float, form: str, unit: str = "", *, good: Literal["up", "down"]) -> Change:
    """A change for `st.metric`, e.g. ``−0.072``; green if it goes the `good` way."""
    arrow: Literal["up", "down", "off"] = "up" if value > 0 else "down" if value < 0 else "off"
    return {
        "delta": with_minus(f"{value:{form}}{unit}"),
        "delta_arrow": arrow,
        "delta_color": "gray" if arrow == "off" else "green" if arrow == good else "red",
    }
