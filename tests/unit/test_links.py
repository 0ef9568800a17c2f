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


def test_what_a_short_text_leaves_out_is_what_it_has_always_been() -> None:
    """Links name only what differs from the usual. Another usual value would change what links of before open."""
    usual = Experiment().fields()
    assert as_text(usual, usual) == (
        "hidden:512,256 activation:relu dropout:0 batch_norm:off optimizer:adam learning_rate:0.001 weight_decay:0 "
        "batch_size:64 accumulate:1 epochs:5 early_stopping:0 schedule:constant augment:none dataset:mnist "
        "normalize:off train_size:all label_noise:0 order:shuffled validation:5000 seed:0 device:auto threads:1"
    )


@pytest.mark.parametrize("text", ["epochs", "epoch:3", "hidden:5 <script>:1", "x" * (MAX_TEXT + 1), "__class__:1"])
def test_what_names_no_field_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidExperiment) as refused:
        fields_of(text)
    assert str(refused.value).endswith(".")


@given(st.text(max_size=60))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidExperiment):
        Experiment().changed(**fields_of(text))
