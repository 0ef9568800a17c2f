"""What belongs to one browser, or to one person who has signed in, and is shown to nobody else.

A browser is known by a signed cookie, so all of it survives a reload; a person who has signed in is known in every
browser. It is kept in the server's memory.
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
"""Owners whose drawings are kept at the same time: ten classes. 500 drawings take 2 MB."""

SHARED = "shared"
"""The tag of a run that everybody on this server sees."""

_PERSON = "person"
_COOKIE = "mlplab_owner_"
"""What its name begins with. Browsers send a host's cookies to all its ports, so each server adds its own name."""


@dataclass
class Belongings:
    """What one owner has saved."""

    digits: Collection = field(default_factory=Collection)
    models: dict[str, TrainedModel] = field(default_factory=dict)


_belongings: OrderedDict[str, Belongings] = OrderedDict()


def owner() -> str:
    """Who starts runs here: the person who has signed in, or else the browser."""
    person: str | None = st.session_state.get(_PERSON)
    return person or browser()


def recognise() -> None:
    """Finds out who visits; for app.py, before it shows anything that belongs to somebody."""
    # In every run, since a session that has just signed out runs once more.
    st.session_state[_PERSON] = _person()


def remember_browser() -> None:
    """Lets the browser show after a reload that it is the same, no matter who has signed in there."""
    if name_in(_cookie(), _key()) != browser():
        set_cookie(_cookie_name(), signed(browser(), _key()))


def _person() -> str | None:
    """The name of the person who has signed in with the host's OpenID provider; None if nobody has."""
    user = st.user.to_dict()
    if not (user.get("is_logged_in") and user.get("iss") and user.get("sub")):
        return None
    return name_of(str(user["iss"]), str(user["sub"]), _key())


def browser() -> str:
    """The browser's name, which nobody else learns."""
    if "owner" not in st.session_state:
        st.session_state["owner"] = name_in(_cookie(), _key()) or new_name()
    name: str = st.session_state["owner"]
    return name


def may_change(run: Run) -> bool:
    """Whether the run was started here; runs from the command line belong to everybody who can reach the server."""
    return run.owner in ("", owner())


def called(run: Run) -> str:
    """The run's short name here: its number if it is one's own, so that nobody else's is called the same."""
    return f"Run {run.number}" if run.owner == owner() else called_by_others(run)


def called_by_others(run: Run) -> str:
    """The run's short name for everybody but its owner; runs from the command line belong to nobody."""
    return f"Run {run.number} of {mark_of(run.owner)}" if run.owner else f"Server run {run.number}"


def title_of(run: Run) -> str:
    """The run's name here: the one that it was given, or else its number and architecture."""
    return run.name or f"{called(run)}: {run.experiment.architecture.title}"


def whose(run: Run) -> str:
    """A word for its owner."""
    return "you" if run.owner == owner() else mark_of(run.owner) if run.owner else "server"


def mark_of(name: str) -> str:
    """What others see of an owner: 4 hexadecimal digits that do not reveal the name."""
    return sha256(name.encode()).hexdigest()[:4]


def visible_runs() -> list[Run]:
    """One's own runs and shared ones, the newest first."""
    mine = ("", owner())  # asked once, no matter how many runs there are
    return [run for run in runs.queue.runs() if run.owner in mine or SHARED in run.tags]


def my_digits() -> Collection:
    """The saved drawings."""
    return belongings_of(owner()).digits


def my_models() -> dict[str, TrainedModel]:
    """Copies of models that were fine-tuned on these drawings, by keys of their own."""
    return belongings_of(owner()).models


def belongings_of(name: str) -> Belongings:
    """What the owner of this name has saved; the owners seen last are remembered."""
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
