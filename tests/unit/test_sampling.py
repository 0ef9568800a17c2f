"""The choices left to chance: who is learned from, with which labels, in which order."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.experiment import TRAIN_IMAGES, Data, Experiment
from mlpcore.sampling import Stream, epoch_order, noisy_labels, seeded, split


@pytest.fixture(scope="module")
def labels(mnist: Dataset) -> Tensor:
    return mnist.train.labels


def is_part(part: Tensor, whole: Tensor) -> bool:
    return bool(torch.isin(part, whole).all())


# The split


@given(validation=st.integers(0, TRAIN_IMAGES - 1), share=st.floats(0, 1))
@settings(max_examples=30)
def test_the_two_samples_have_their_sizes_and_no_common_row(validation: int, share: float) -> None:
    train_size = max(1, round(share * (TRAIN_IMAGES - validation)))
    train, held = split(Data(train_size=train_size, validation=validation))
    assert (len(train), len(held)) == (train_size, validation)
    both = torch.cat([train, held])
    assert len(both.unique()) == len(both)
    assert both.min() >= 0 and both.max() < TRAIN_IMAGES
    for rows in (train, held):
        assert torch.equal(rows, rows.sort().values)


def test_without_validation_every_image_is_learned_from() -> None:
    train, held = split(Data(validation=0))
    assert torch.equal(train, torch.arange(TRAIN_IMAGES))
    assert len(held) == 0


def test_smaller_samples_are_part_of_larger_ones() -> None:
    few, little = split(Data(train_size=100, validation=50))
    many, much = split(Data(train_size=5000, validation=5000))
    assert is_part(few, many)
    assert is_part(little, much)
    # The same images are watched however many are learned from, so that learning curves can be compared.
    assert torch.equal(split(Data(train_size=10, validation=5000))[1], much)


def test_samples_are_random_and_always_the_same(labels: Tensor) -> None:
    train, held = split(Data(train_size=6000, validation=6000))
    for rows in (train, held):
        # From all over the file, and of each class about a tenth: 600 with a standard deviation of 22.
        assert rows.float().mean().item() == pytest.approx(TRAIN_IMAGES / 2, rel=0.05)
        assert (labels[rows].bincount(minlength=10) - 600).abs().max() < 150
    torch.manual_seed(5)
    assert torch.equal(split(Data(train_size=6000, validation=6000))[0], train)


# Label noise


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_noise_takes_its_share_of_the_given_rows_only(
    share: float, labels: Tensor, small: Callable[..., Experiment]
) -> None:
    experiment = small(label_noise=share, train_size=10_000)
    rows, _ = split(experiment.data)
    before = labels.clone()
    noisy = noisy_labels(experiment, labels, rows)
    assert torch.equal(labels, before)
    changed = (noisy != labels).nonzero().flatten()
    assert is_part(changed, rows)
    # One in ten drawn labels is the true one.
    assert len(changed) == pytest.approx(0.9 * share * len(rows), rel=0.03)
    assert noisy.min() >= 0 and noisy.max() <= 9
    if share == 1:
        assert (noisy[rows].bincount(minlength=10) - 1000).abs().max() < 150


def test_noise_follows_the_seed(labels: Tensor, small: Callable[..., Experiment]) -> None:
    rows = torch.arange(1000)
    one = noisy_labels(small(label_noise=0.5), labels, rows)
    assert torch.equal(noisy_labels(small(label_noise=0.5), labels, rows), one)
    assert not torch.equal(noisy_labels(small(label_noise=0.5, seed=1), labels, rows), one)


# Order


def test_shuffling_gives_every_row_once_and_every_epoch_another_order(
    labels: Tensor, small: Callable[..., Experiment]
) -> None:
    experiment = small()
    rows, _ = split(experiment.data)
    orders = [epoch_order(experiment, labels, rows, epoch) for epoch in range(4)]
    for order in orders:
        assert torch.equal(order.sort().values, rows)
    for i, order in enumerate([rows, *orders]):
        for other in orders[i:]:
            # Of two random orders about one place agrees.
            assert (order == other).sum() < 10
    assert torch.equal(epoch_order(experiment, labels, rows, 2), orders[2])
    assert not torch.equal(epoch_order(small(seed=1), labels, rows, 2), orders[2])


def test_stored_order_is_the_files(labels: Tensor, small: Callable[..., Experiment]) -> None:
    experiment = small(order="stored")
    rows, _ = split(experiment.data)
    for epoch in (0, 1):
        assert torch.equal(epoch_order(experiment, labels, rows, epoch), rows)


def test_by_class_is_sorted_by_label_and_stored_order_within(labels: Tensor, small: Callable[..., Experiment]) -> None:
    experiment = small(order="by-class")
    rows, _ = split(experiment.data)
    order = epoch_order(experiment, labels, rows, 0)
    expected = sorted(rows.tolist(), key=lambda row: (int(labels[row]), row))
    assert order.tolist() == expected
    assert torch.equal(epoch_order(experiment, labels, rows, 1), order)


# Streams


def test_streams_of_random_numbers_have_nothing_in_common() -> None:
    streams = [(seed, stream) for seed in range(20) for stream in Stream]
    orders = [(seed, Stream.ORDER, epoch) for seed in range(20) for epoch in range(1, 20)]
    draws = torch.stack([torch.rand(500, generator=seeded(*stream)) for stream in [*streams, *orders]])
    similarity = torch.corrcoef(draws).fill_diagonal_(0).abs().max().item()
    # Of some 100,000 pairs of 500 independent numbers the most similar correlate by about 0.2.
    assert similarity < 0.3


def test_a_stream_is_always_the_same_and_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    one = torch.rand(10, generator=seeded(3, Stream.ORDER, 7))
    assert torch.equal(torch.rand(10, generator=seeded(3, Stream.ORDER, 7)), one)
    assert torch.equal(torch.get_rng_state(), state)
