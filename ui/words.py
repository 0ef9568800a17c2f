"""Numbers as people read them, and words as people typed them."""

import re


def short_count(number: float) -> str:
    """A count with its unit of magnitude, to three digits: 1,070,000 is ``1.07 M``."""
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
    """A time span of `seconds`, e.g. ``0.8 s``, ``12 s``, ``3 min 5 s``, ``2 h 4 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def percent(share: float, digits: int = 1) -> str:
    """A share between 0 and 1 in percent, e.g. ``97.6 %``."""
    return f"{100 * share:.{digits}f} %"


def a_digit(digit: int) -> str:
    """A digit with its article, e.g. ``an 8``."""
    return f"an {digit}" if digit == 8 else f"a {digit}"


def plain(text: str) -> str:
    """`text` with everything escaped that Markdown would interpret, for words that a person typed."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$:~])", r"\\\1", text)
