"""What the reader has answered, and which mission they are on; a cookie remembers both across reloads."""

import re
from dataclasses import dataclass, field

import streamlit as st

from ui.address import write_in_address
from ui.cookies import set_cookie
from ui.lessons import is_lesson_link
from ui.missions.catalog import Mission, missions
from ui.session import mark_of, owner

MISSION = "mission"
"""The parameter of a page's address that names the mission that leads there."""

_COOKIE = "mlplab_missions_"
"""What the cookie's name begins with: each person who signs in with this browser has their own."""

_STATE = "missions"


@dataclass
class Answers:
    """What the reader has answered.

    Attributes:
        predictions: the places of the predicted answers, by mission.
        numbers: the numbers that the reader was asked for, by mission.
        underway: the mission whose page the reader was sent to; empty on the Start page.
        at: the mission that the Start page shows first, since the reader comes back from it.
    """

    predictions: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    underway: str = ""
    at: str = ""

    def __str__(self) -> str:
        """As in the cookie: name, prediction and number of each mission, with dots and hyphens."""
        answered = [
            f"{name}-{prediction}" + (f"-{self.numbers[name]:.4f}".replace(".", "_") if name in self.numbers else "")
            for name, prediction in self.predictions.items()
        ]
        return ".".join([*answered, *([f"on-{self.underway}"] if self.underway else [])])


def answers() -> Answers:
    """The answers of this session; those in the cookie at first, whatever it says."""
    if _STATE not in st.session_state:
        st.session_state[_STATE] = answers_in(cookie())
    current: Answers = st.session_state[_STATE]
    return current


def answers_in(text: str) -> Answers:
    """The answers that a cookie's text holds; what it cannot hold is left out."""
    read = Answers()
    for name, prediction, _, number in re.findall(r"([a-z]+)-(\d)(-(\d{1,6}_\d{4}))?", text):
        if name in missions() and int(prediction) < len(missions()[name].texts.answers):
            read.predictions[name] = int(prediction)
            if number:
                read.numbers[name] = float(number.replace("_", "."))
    underway = re.search(r"(?:^|\.)on-([a-z]+)$", text)
    # A lesson's link has something else in mind.
    if underway and underway[1] in missions() and not is_lesson_link():
        read.underway = underway[1]
    return read


def remember() -> None:
    """Lets the browser remember the answers."""
    if str(answers()) != cookie():
        # It takes a place on the page, and there nothing moves.
        with st.sidebar:
            set_cookie(_cookie_name(), str(answers()))


def cookie() -> str:
    """What the browser remembered when it loaded the page."""
    text = st.context.cookies.get(_cookie_name())
    # Streamlit's test runner has something else there.
    return text if isinstance(text, str) else ""


def _cookie_name() -> str:
    return _COOKIE + mark_of(owner())


def begin(name: str) -> None:
    """Notes that a mission leads to the page that is shown next."""
    answers().underway = name if name in missions() else ""


def leave() -> None:
    """Ends the way of a mission; what was answered stays."""
    answers().underway = ""


def come_back() -> None:
    """For the Start page: the mission underway, if there is one, is shown first from now on."""
    if name := answers().underway:
        answers().at, answers().underway = name, ""


def underway() -> Mission | None:
    """The mission that leads to this page, if there is one; for pages other than Start."""
    if name := st.query_params.get(MISSION, ""):
        # Not left in the address: a link that is passed on sends nobody on a mission.
        write_in_address({MISSION: ""})
        begin(name)
    return missions().get(answers().underway)
