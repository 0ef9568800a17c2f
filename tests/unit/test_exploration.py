"""Looking at the data: figures of a set by other means, the transforms beside torchvision's, a DataLoader's batches."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Subset

from mlpcore import exploration
from mlpcore.datasets import Dataset, Images, normalization
from mlpcore.exploration import STAGES, Stage
from mlpcore.torchvision_shim import torchvision

NORMALIZATION = normalization("mnist")


@pytest.fixture
def ten_of_each() -> Images:
    """A hundred images of noise, ten per class."""
    pixels = torch.randint(256, (100, 28, 28), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return Images(pixels, torch.arange(100) % 10)


def test_mean_and_standard_deviation_of_mnist_are_those_that_normalize_takes(mnist: Dataset) -> None:
    values = exploration.scale("tensor", NORMALIZATION)
    mean, std = exploration.mean_and_std(values, exploration.pixel_counts(mnist.train))
    exact = mnist.train.images.numpy() / np.float32(255)
    assert (mean, std) == pytest.approx((exact.mean(dtype=np.float64), exact.std(dtype=np.float64)), rel=1e-6)
    assert (round(mean, 4), round(std, 4)) == NORMALIZATION


def test_every_pixel_is_counted(ten_of_each: Images) -> None:
    counts = exploration.pixel_counts(ten_of_each)
    assert counts.sum() == 100 * 784
    assert counts[7] == (ten_of_each.images == 7).sum()


def test_the_classes_of_mnist_are_counted(mnist: Dataset) -> None:
    counts = exploration.class_counts(mnist.train)
    assert counts.tolist() == [len(exploration.rows_of_class(mnist.train, digit)) for digit in range(10)]
    assert counts.sum() == len(exploration.rows_of_class(mnist.train, None)) == 60_000
    assert mnist.train.labels[exploration.rows_of_class(mnist.train, 3)].unique().tolist() == [3]


def test_mean_images_and_distances_are_what_their_definitions_say(ten_of_each: Images) -> None:
    pixels, labels = ten_of_each.images.numpy() / 255, ten_of_each.labels.numpy()
    means = np.stack([pixels[labels == label].mean(axis=0) for label in range(10)])
    np.testing.assert_allclose(exploration.mean_images(ten_of_each), means, rtol=1e-5)
    distances = np.sqrt(((pixels - means[labels]) ** 2).sum(axis=(1, 2)))
    np.testing.assert_allclose(exploration.distances_to_mean(ten_of_each), distances, rtol=1e-5)


def test_the_most_typical_come_first_and_each_image_of_the_class_once(ten_of_each: Images) -> None:
    order = exploration.by_distance(ten_of_each, 4)
    assert sorted(order.tolist()) == list(range(4, 100, 10))
    distances = exploration.distances_to_mean(ten_of_each)[order]
    assert (distances.diff() >= 0).all()


def test_an_image_equal_to_its_mean_is_the_most_typical() -> None:
    pixels = torch.zeros(30, 28, 28, dtype=torch.uint8)
    pixels[:10], pixels[10:20], pixels[20:] = 0, 100, 200
    order = exploration.by_distance(Images(pixels, torch.arange(30) % 10), 7)
    assert order[0] == 17


@pytest.mark.parametrize("stage", STAGES)
def test_both_ways_to_a_stage_give_equal_numbers_for_real_images(mnist: Dataset, stage: Stage) -> None:
    for image in mnist.test.images[:20]:
        one_by_one = exploration.through_torchvision(image, stage, NORMALIZATION)
        at_once = exploration.as_trained_on(image, stage, NORMALIZATION)
        assert one_by_one.dtype == at_once.dtype == (torch.uint8 if stage == "raw" else torch.float32)
        assert one_by_one.equal(at_once)


@pytest.mark.parametrize(("stage", "paper", "ink"), [
    ("raw", 0, 255), ("tensor", 0, 1), ("normalized", -0.1307 / 0.3081, (1 - 0.1307) / 0.3081),
])  # fmt: skip
def test_each_stage_has_its_scale(stage: Stage, paper: float, ink: float) -> None:
    values = exploration.scale(stage, NORMALIZATION)
    assert (float(values[0]), float(values[-1])) == pytest.approx((paper, ink), rel=1e-6)
    assert (values.double().diff() > 0).all()


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.sampled_from(STAGES))
def test_a_summary_from_counts_is_that_of_the_pixels_themselves(pixels: list[int], stage: Stage) -> None:
    given = torch.tensor(pixels, dtype=torch.uint8)
    values = exploration.as_trained_on(given, stage, NORMALIZATION).double()
    summary = exploration.summary(given.bincount(minlength=256), stage, NORMALIZATION)
    assert (summary.low, summary.high) == (float(values.min()), float(values.max()))
    assert summary.mean == pytest.approx(float(values.mean()), abs=1e-6)
    assert summary.std == pytest.approx(float(values.std(correction=0)), abs=1e-6)


def test_normalized_training_pixels_have_mean_0_and_deviation_1_but_for_the_rounding(mnist: Dataset) -> None:
    summary = exploration.summary(exploration.pixel_counts(mnist.train), "normalized", NORMALIZATION)
    assert summary.dtype == "float32"
    assert (summary.mean, summary.std) == pytest.approx((0, 1), abs=2e-4)


@pytest.mark.parametrize(("images", "batch_size", "drop_last", "steps"), [
    (60_000, 64, False, 938), (60_000, 64, True, 937), (60_000, 100, True, 600), (60_000, 60_000, False, 1),
    (10_000, 64, False, 157), (60_000, 1, False, 60_000),
])  # fmt: skip
def test_steps_per_epoch(images: int, batch_size: int, drop_last: bool, steps: int) -> None:
    assert exploration.steps_per_epoch(images, batch_size, drop_last) == steps


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
def test_orders_and_batches_are_those_of_a_loader_that_goes_through_the_images(
    mnist: Dataset, shuffle: bool, drop_last: bool
) -> None:
    count, size = 50, 8
    data = exploration.torchvision_dataset(mnist, train=True)
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(Subset(data, range(count)), size, shuffle=shuffle, drop_last=drop_last, generator=generator)
    for order in exploration.epoch_orders(count, shuffle):
        batches = list(loader)
        assert len(batches) == exploration.steps_per_epoch(count, size, drop_last)
        for (images, labels), rows in zip(batches, order.split(size), strict=False):
            ours, our_labels = exploration.load_batch(data, rows)
            assert images.equal(ours)
            assert labels.equal(our_labels)


def test_unshuffled_epochs_are_alike_and_shuffled_ones_are_not() -> None:
    first, second = exploration.epoch_orders(1000, False)
    assert first.equal(second) and first.equal(torch.arange(1000))
    first, second = exploration.epoch_orders(1000, True)
    assert not first.equal(second)
    assert first.sort().values.equal(second.sort().values)


def test_torchvisions_dataset_holds_what_is_in_memory_only_once(mnist: Dataset) -> None:
    data = exploration.torchvision_dataset(mnist, train=False)
    assert isinstance(data, torchvision.datasets.MNIST)
    assert data.data.data_ptr() == mnist.test.images.data_ptr()
    image, label = data[5]
    assert image.equal(torchvision.transforms.ToTensor()(mnist.test.images[5].numpy()))
    assert label == mnist.test.labels[5]


def test_looking_draws_nothing_from_the_generator_that_all_share(mnist: Dataset) -> None:
    data = exploration.torchvision_dataset(mnist, train=True)
    before = torch.get_rng_state()
    exploration.load_batch(data, torch.arange(3))
    exploration.epoch_orders(77, True)
    exploration.steps_per_epoch(77, 5, False)
    assert torch.get_rng_state().equal(before)
