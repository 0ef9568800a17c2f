"""What belongs to one browser, and nobody else is shown.

A browser is known by a signed cookie, so all of it survives a reload. It is kept in the server's memory.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache

import streamlit as st

from mlpcore import runs
from mlpcore.collection import Collection
from mlpcore.identity import name_in, new_name, secret_key, signed
from mlpcore.models import TrainedModel
from mlpcore.runs import Run
from mlpcore.store import runs_folder
from ui.cookies import set_cookie

MOST_OWNERS = 300
"""Browsers whose drawings are kept at the same time, ten classes; 500 drawings take 2 MB."""

SHARED = "shared"
"""The tag of a run that everybody on this server sees."""

_COOKIE = "mlplab_owner"


@dataclass
class Belongings:
    """What one browser has kept."""

    digits: Collection = field(default_factory=Collection)
    models: dict[str, TrainedModel] = field(default_factory=dict)


_belongings: OrderedDict[str, Belongings] = OrderedDict()


def owner() -> str:
    """Who starts runs here."""
    if "owner" not in st.session_state:
        st.session_state["owner"] = name_in(_cookie(), _key()) or new_name()
    name: str = st.session_state["owner"]
    return name


def remember_owner() -> None:
    """Lets the browser show after a reload that it is the same."""
    if name_in(_cookie(), _key()) != owner():
        set_cookie(_COOKIE, signed(owner(), _key()))


def may_change(run: Run) -> bool:
    """Whether the run was started here; those of the command line belong to everybody who can reach the server."""
    return run.owner in ("", owner())


def visible_runs() -> list[Run]:
    """One's own runs and those that are shared, the newest first."""
    return [run for run in runs.queue.runs() if may_change(run) or SHARED in run.tags]


def my_digits() -> Collection:
    """The drawings that were kept."""
    return belongings_of(owner()).digits


def my_models() -> dict[str, TrainedModel]:
    """Copies of models tuned on these drawings, by a key of their own."""
    return belongings_of(owner()).models


def belongings_of(name: str) -> Belongings:
    """What the browser of this name has kept; of all browsers, those seen last are remembered."""
    belongings = _belongings.setdefault(name, Belongings())
    _belongings.move_to_end(name)
    while len(_belongings) > MOST_OWNERS:
        _belongings.popitem(last=False)
    return belongings


def _cookie() -> str:
    cookie = st.context.cookies.get(_COOKIE)
    # Streamlit's test runner has something else there.
    return cookie if isinstance(cookie, str) else ""


@cache
def _key() -> bytes:
    return secret_key(runs_folder() / "secret")
