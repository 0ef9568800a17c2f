"""What stands beside the progress bar of a comparison."""

from types import SimpleNamespace
from typing import cast

import pytest

from mlpcore.comparison.job import Job
from mlpcore.comparison.plan import Plan
from tests.small_runs import small
from ui.comparing import _ending_in_words, _progress_in_words

PLAN = Plan((small(), small(hidden=[8])), tuple(range(5)))


def job(finished: int, runs: int, reused: int = 0, **more: object) -> Job:
    batch = SimpleNamespace(trained=[object()] * finished + [None] * (runs - finished), reused=reused)
    usual = {"subject": PLAN, "batches": [batch], "cancelled": False, "error": None, "seconds": 12.0}
    return cast(Job, SimpleNamespace(**{**usual, "seconds_left": 75.0, **more}))


def test_the_words_beside_the_bar_say_what_the_bar_shows_before_they_count_runs() -> None:
    assert _progress_in_words(job(5, 10), 0.08) == "8 % done · 5 of 10 runs finished · about 1 min 15 s left"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seconds_left": None}, "8 % done · 5 of 10 runs finished"),
        ({"reused": 2, "seconds_left": None}, "8 % done · 5 of 10 runs finished, 2 of them reused"),
        ({"batches": [], "seconds_left": None}, "8 % done · measuring"),
        ({"cancelled": True}, "Stopping · 5 of 10 runs finished"),
        # A claim may train more than it has started so far.
        ({"subject": "a claim", "seconds_left": None}, "8 % done · 5 runs finished"),
    ],
)
def test_what_is_not_known_is_left_out(changes: dict[str, object], words: str) -> None:
    assert _progress_in_words(job(**{"finished": 5, "runs": 10, **changes}), 0.08) == words  # type: ignore[arg-type]


def test_how_it_ended_is_said() -> None:
    assert _ending_in_words(job(10, 10)) == "Done: 10 of 10 runs finished, 12 s"
    assert _ending_in_words(job(3, 10, cancelled=True)) == "Cancelled: 3 of 10 runs finished, 12 s"
    assert _ending_in_words(job(3, 10, error="It failed.")) == "Stopped: 3 of 10 runs finished, 12 s"
    assert "reused" in _ending_in_words(job(10, 10, reused=10))
    assert _ending_in_words(job(0, 0, batches=[])) == "Done after 12 s"
