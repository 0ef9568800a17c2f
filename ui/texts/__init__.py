"""The explanations on the pages: TOML files in this folder, so that they are easy to edit and to translate."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def texts(page: str) -> Mapping[str, str]:
    """The short texts of the file ``page.toml`` by name; words in braces are for the page to fill in."""
    return _read(page)


def _read(page: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{page}.toml").read_text("utf-8"))
