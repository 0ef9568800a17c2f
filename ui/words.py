"""Numbers and people's own words, as text for the screen."""

import re


def short_count(number: float) -> str:
    """A count to three digits with a unit prefix, e.g. ``1.07 M`` for 1,070,000."""
    for size, word in [(1e12, "T"), (1e9, "G"), (1e6, "M")]:
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,.0f}"


def bytes_in_words(number: float) -> str:
    """Bytes with a decimal unit, e.g. ``2.1 MB``."""
    for size, unit in [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]:
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,.0f} bytes"


def duration(seconds: float) -> str:
    """A duration, e.g. ``0.8 s``, ``12 s``, ``3 min 5 s``, ``2 h 4 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def percent(share: float, digits: int = 1) -> str:
    """A fraction from 0 to 1 in percent, e.g. ``97.6 %``."""
    return f"{100 * share:.{digits}f} %"


def signed(number: float, digits: int = 1) -> str:
    """A number with its sign, plus or a real minus, e.g. ``+1.3`` or ``−0.2``."""
    return f"{number:+.{digits}f}".replace("-", "−")


def a_digit(digit: int) -> str:
    """A digit with its indefinite article, e.g. ``an 8``."""
    return f"an {digit}" if digit == 8 else f"a {digit}"


def plain(text: str) -> str:
    """`text` with all Markdown escaped, for text that a person typed."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$:~])", r"\\\1", text)
