"""An experiment, or a part of one, as a short text: for the command line and for addresses of pages."""

from collections.abc import Iterable
from typing import Any

from mlpcore.experiment import LIMITS, Experiment, InvalidExperiment

MAX_TEXT = 2000
"""Characters; all fields of an experiment take some 500."""


def as_given(value: object) -> str:
    """A field's value as one writes it, e.g. ``512,256``, ``0.001``, ``all``, ``on``."""
    match value:
        case None:
            return "all"
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value)) or "none"
        case float():
            # The shortest text that gives the same number again, without a needless ``.0``.
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case _:
            return str(value)


def value_of(field: str, given: str | bool) -> object:
    """The value that a text stands for; text that stands for none stays, for `Experiment` to refuse."""
    match field, given:
        case "train_size", "all":
            return None
        case "hidden", "none":
            return ()
        case "hidden", str(sizes):
            return [as_number(int, size) for size in sizes.split(",")]
        case (("batch_norm" | "normalize"), ("on" | "off")):
            return given == "on"
        case _, str(text) if field in LIMITS:
            return as_number(int if LIMITS[field].whole else float, text)
        case _:
            return given


def as_number(kind: type[int] | type[float], text: str) -> int | float | str:
    """The number that `text` stands for, or else the text itself."""
    try:
        return kind(text)
    except ValueError:
        return text


def as_text(fields: dict[str, Any], names: Iterable[str]) -> str:
    """Some of an experiment's fields, e.g. ``hidden:512,256 epochs:10``."""
    return " ".join(f"{name}:{as_given(fields[name])}" for name in names)


def fields_of(text: str) -> dict[str, object]:
    """The fields in a text like that of `as_text`, which anybody may have written: check their values.

    Raises:
        InvalidExperiment: it is no such text, or names what is no field.
    """
    if len(text) > MAX_TEXT:
        raise InvalidExperiment({"": f"A link with {len(text):,} characters for one model is not possible."})
    known = Experiment().fields()
    fields: dict[str, object] = {}
    for part in text.split():
        name, colon, value = part.partition(":")
        if not colon or name not in known:
            raise InvalidExperiment(
                {"": f"The link says {part[:40]!r}, and that is no setting: each is a name, a colon and a value, such "
                "as epochs:10."}
            )  # fmt: skip
        fields[name] = value_of(name, value)
    return fields
