"""Experiments as short texts, for addresses and the command line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpcore.experiment import Experiment, InvalidExperiment
from mlpcore.links import MAX_TEXT, as_text, fields_of
from tests.unit.test_experiment import valid_fields


@given(valid_fields())
def test_any_experiment_comes_back_from_its_text(fields: dict[str, object]) -> None:
    experiment = Experiment().changed(**fields)
    text = as_text(experiment.fields(), fields)
    assert len(text) < MAX_TEXT
    assert Experiment().changed(**fields_of(text)) == experiment


def test_the_text_is_what_one_would_write() -> None:
    experiment = Experiment().changed(hidden=(), learning_rate=0.01, normalize=True)
    names = ["hidden", "learning_rate", "normalize", "train_size", "batch_size"]
    assert as_text(experiment.fields(), names) == (
        "hidden:none learning_rate:0.01 normalize:on train_size:all batch_size:64"
    )
    assert fields_of("") == {}


@pytest.mark.parametrize("text", ["epochs", "epoch:3", "hidden:5 <script>:1", "x" * (MAX_TEXT + 1), "__class__:1"])
def test_what_names_no_field_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidExperiment) as refused:
        fields_of(text)
    assert str(refused.value).endswith(".")


@given(st.text(max_size=60))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidExperiment):
        Experiment().changed(**fields_of(text))
