"""The six missions: what each says, where it is done, and how its outcome is found."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ui.missions import outcomes
from ui.missions.outcomes import Outcome


class Texts(BaseModel):
    """What texts/missions.toml says about a mission.

    Attributes:
        minutes: what it takes the reader, without the computer's time.
        covers: the tutorial's chapters that it leads through.
        told: what came out, with the values of the outcome in braces.
        found: the same in one sentence, for the summary.
        ask: what number the reader is asked for; empty where the app finds out by itself.
        between, whole: what that number can be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    minutes: int
    covers: tuple[str, ...]
    why: str
    question: str
    answers: tuple[str, ...]
    do: str
    told: str
    found: str
    ask: str = ""
    between: tuple[float, float] = (0, 0)
    whole: bool = False


@dataclass(frozen=True)
class Mission:
    """One of the six.

    Attributes:
        number: from 1, in their order.
        page, address: where it is done, and the address's parameters there.
        outcome: finds out what came out, given the number that the reader was asked for; None if nothing has yet.
    """

    name: str
    number: int
    texts: Texts
    page: str
    address: dict[str, str | list[str]]
    outcome: Callable[[float | None], Outcome | None]

    @property
    def title(self) -> str:
        """What it is called on screen, e.g. ``Mission 3: Teach it``."""
        return f"Mission {self.number}: {self.texts.title}"

    @property
    def page_title(self) -> str:
        """The title of its page in the navigation, e.g. ``Train``."""
        return self.page.removeprefix("pages/").removesuffix(".py").capitalize()


_WHERE: dict[str, tuple[str, dict[str, str | list[str]], Callable[[float | None], Outcome | None]]] = {
    "data": ("pages/data.py", {"view": "loader"}, outcomes.kinds_in_a_batch),
    "forward": (
        "pages/inside.py",
        {"view": "forward", "model": "untrained-two-hidden"},
        outcomes.loss_of_a_fresh_network,
    ),
    "train": ("pages/train.py", {}, outcomes.what_a_run_learned),
    "compare": ("pages/compare.py", {"model": ["hidden:256", "hidden:512,256"]}, outcomes.what_follows),
    "overfitting": ("pages/compare.py", {"claim": "overfitting"}, outcomes.what_it_did_with_noise),
    "draw": ("pages/draw.py", {}, outcomes.what_it_read),
}


@cache
def missions() -> dict[str, Mission]:
    """All missions by name, in their order."""
    file = Path(__file__).parent.parent / "texts" / "missions.toml"
    texts = {name: Texts.model_validate(of) for name, of in tomllib.loads(file.read_text("utf-8")).items()}
    return {name: Mission(name, number, texts[name], *where) for number, (name, where) in enumerate(_WHERE.items(), 1)}
