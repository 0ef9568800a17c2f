"""Exceptions reach other processes whole: a pool of processes pickles what a task raises."""

import pickle
from pathlib import Path

import pytest

from benchmarks.crash import Lost
from mlpcore.datasets import Attempt, DataUnavailable
from mlpcore.datasets.sources import Refused
from mlpcore.models import InvalidModel
from mlpcore.store import NotToBeTrained, StoreProblem


@pytest.mark.parametrize(
    "raised",
    [
        DataUnavailable("a sentence", [Attempt("a mirror", "a reason")], Path("folder"), ["file"]),
        DataUnavailable("a sentence"),
        Refused("a reason"),
        InvalidModel("a sentence"),
        StoreProblem("a sentence"),
        NotToBeTrained("a sentence"),
        Lost("what"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_an_exception_survives_pickling(raised: Exception) -> None:
    again = pickle.loads(pickle.dumps(raised))
    assert type(again) is type(raised)
    assert (str(again), again.args, vars(again)) == (str(raised), raised.args, vars(raised))
