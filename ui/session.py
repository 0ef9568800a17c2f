"""What belongs to one browser, or to one person who has signed in, and nobody else is shown.

A browser is known by a signed cookie, so all of it survives a reload; whoever has signed in is known in every browser.
It is kept in the server's memory.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

import streamlit as st

from mlpcore import runs
from mlpcore.collection import Collection
from mlpcore.identity import name_in, name_of, new_name, secret_key, server_name, signed
from mlpcore.models import TrainedModel
from mlpcore.runs import Run
from mlpcore.store import runs_folder
from ui.cookies import set_cookie

MOST_OWNERS = 300
"""Owners whose drawings are kept at the same time, ten classes; 500 drawings take 2 MB."""

SHARED = "shared"
"""The tag of a run that everybody on this server sees."""

_PERSON = "person"
_COOKIE = "mlplab_owner_"
"""What its name begins with: browsers give the cookies of a host to all its ports, so each server adds its own name."""


@dataclass
class Belongings:
    """What one owner has kept."""

    digits: Collection = field(default_factory=Collection)
    models: dict[str, TrainedModel] = field(default_factory=dict)


_belongings: OrderedDict[str, Belongings] = OrderedDict()


def owner() -> str:
    """Who starts runs here: the person who has signed in, else the browser."""
    person: str | None = st.session_state.get(_PERSON)
    return person or _browser()


def recognise() -> None:
    """Finds out who visits; for app.py, before anything is shown that is somebody's."""
    # Each time, since a session that has just signed out runs once more.
    st.session_state[_PERSON] = _person()


def remember_browser() -> None:
    """Lets the browser show after a reload that it is the same, whoever has signed in there."""
    if name_in(_cookie(), _key()) != _browser():
        set_cookie(_cookie_name(), signed(_browser(), _key()))


def _person() -> str | None:
    """The name of the person, whom the host's OpenID provider knows; None where nobody has signed in."""
    user = st.user.to_dict()
    if not (user.get("is_logged_in") and user.get("iss") and user.get("sub")):
        return None
    return name_of(str(user["iss"]), str(user["sub"]), _key())


def _browser() -> str:
    if "owner" not in st.session_state:
        st.session_state["owner"] = name_in(_cookie(), _key()) or new_name()
    name: str = st.session_state["owner"]
    return name


def may_change(run: Run) -> bool:
    """Whether the run was started here; those of the command line belong to everybody who can reach the server."""
    return run.owner in ("", owner())


def called(run: Run) -> str:
    """What a run is called here, in short: one's own by their numbers, so that nobody else's is called the same."""
    return f"Run {run.number}" if run.owner == owner() else called_by_others(run)


def called_by_others(run: Run) -> str:
    """What everybody but its owner calls a run, in short; those of the command line belong to nobody."""
    return f"Run {run.number} of {mark_of(run.owner)}" if run.owner else f"Server run {run.number}"


def title_of(run: Run) -> str:
    """What a run is called here: the name that it was given, or else its number and architecture."""
    return run.name or f"{called(run)}: {run.experiment.architecture.title}"


def whose(run: Run) -> str:
    """The word for whoever started it."""
    return "you" if run.owner == owner() else mark_of(run.owner) if run.owner else "server"


def mark_of(name: str) -> str:
    """By which others know an owner, 4 hexadecimal digits that do not give the name away."""
    return sha256(name.encode()).hexdigest()[:4]


def visible_runs() -> list[Run]:
    """One's own runs and those that are shared, the newest first."""
    mine = ("", owner())  # asked once, however many runs there are
    return [run for run in runs.queue.runs() if run.owner in mine or SHARED in run.tags]


def my_digits() -> Collection:
    """The drawings that were kept."""
    return belongings_of(owner()).digits


def my_models() -> dict[str, TrainedModel]:
    """Copies of models tuned on these drawings, by a key of their own."""
    return belongings_of(owner()).models


def belongings_of(name: str) -> Belongings:
    """What the owner of this name has kept; of all owners, those seen last are remembered."""
    belongings = _belongings.setdefault(name, Belongings())
    _belongings.move_to_end(name)
    while len(_belongings) > MOST_OWNERS:
        _belongings.popitem(last=False)
    return belongings


def _cookie() -> str:
    cookie = st.context.cookies.get(_cookie_name())
    # Streamlit's test runner has something else there.
    return cookie if isinstance(cookie, str) else ""


def _cookie_name() -> str:
    return _COOKIE + server_name(_key())


@cache
def _key() -> bytes:
    return secret_key(runs_folder() / "secret")
