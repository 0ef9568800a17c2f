"""How often an image's own digit is the nearest mean: as a loop over all images finds it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.projection import plane, stages
from mlpcore.inspection.stage_planes import nearest_mean_accuracy, stage_plane
from mlpcore.inspection.workbench import untrained

pytestmark = pytest.mark.usefixtures("one_thread")


def test_it_is_what_leaving_one_out_after_the_other_gives(mnist: Dataset) -> None:
    values, labels = mnist.test.images[:200].flatten(1).float() / 255, mnist.test.labels[:200]
    right = 0
    for number in range(len(labels)):
        others = torch.arange(len(labels)) != number
        means = torch.stack([values[others & (labels == digit)].mean(dim=0) for digit in range(10)])
        right += int((values[number] - means).norm(dim=1).argmin() == labels[number])
    assert 0.5 < right / len(labels) < 1
    assert nearest_mean_accuracy(values, labels) == pytest.approx(right / len(labels))


def test_blobs_are_all_right_and_one_that_is_alone_counts_as_wrong() -> None:
    values = torch.tensor([[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0], [50.0, 0.0]])
    labels = torch.tensor([3, 3, 7, 7, 8])
    assert nearest_mean_accuracy(values[:4], labels[:4]) == 1.0
    assert nearest_mean_accuracy(values, labels) == pytest.approx(4 / 5)


def test_a_label_that_says_nothing_is_no_better_than_chance() -> None:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(2000, 3, generator=generator)
    labels = torch.randint(10, (2000,), generator=generator)
    assert nearest_mean_accuracy(values, labels) == pytest.approx(0.1, abs=0.04)


def test_a_stage_has_its_plane_and_its_size(small: Callable[..., Experiment], mnist: Dataset) -> None:
    images, labels = mnist.test.images[:300], mnist.test.labels[:300]
    _, values = stages(untrained(small(hidden=(16,))), images)
    found = stage_plane(values, labels)
    assert found.size == 16
    assert np.array_equal(found.plane.points, plane(values).points)
    assert found.nearest_mean == nearest_mean_accuracy(values, labels)
