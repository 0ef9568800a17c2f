"""Images as points in a plane: it is scikit-learn's PCA, and further images find their place in it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.projection import plane, stages
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

# In float32 the variance across it comes out a little below 0.
ON_A_LINE = torch.linspace(0, 1, 3).unsqueeze(1) * torch.tensor([1.0, 3.0])

pytestmark = pytest.mark.usefixtures("one_thread")


def test_stages_are_the_pixels_and_every_hidden_layers_activations(
    small: Callable[..., Experiment], train: Callable[..., tuple[Trainer, Result]], mnist: Dataset
) -> None:
    trainer, _ = train(small(hidden=(16, 8), batch_norm=True, normalize=True))
    model = Classifier(trainer.experiment, trainer.model.eval())
    found = stages(model, mnist.test.images[:20])
    assert [tuple(values.shape) for values in found] == [(20, 784), (20, 16), (20, 8)]
    for row in (0, 19):
        passed = forward_pass(model, mnist.test.images[row])
        for values, expected in zip(
            found, [passed.flattened, *(layer.activations for layer in passed.hidden)], strict=True
        ):
            assert values[row].numpy() == pytest.approx(expected, abs=1e-5)


def test_planes_are_those_of_scikit_learn(small: Callable[..., Experiment], mnist: Dataset) -> None:
    for values in stages(untrained(small(hidden=(32, 3))), mnist.test.images[:500]):
        found = plane(values)
        # In float64, where its arithmetic is exact enough to compare with.
        expected = PCA(2, svd_solver="full").fit(values.double().numpy())
        signs = np.sign((found.axes * expected.components_).sum(axis=1, keepdims=True))
        assert found.axes * signs == pytest.approx(expected.components_, abs=1e-3)
        assert found.shares == pytest.approx(expected.explained_variance_ratio_, rel=1e-3)
        assert found.mean == pytest.approx(expected.mean_, abs=1e-4)
        assert found.points * signs.T == pytest.approx(expected.transform(values.double().numpy()), abs=0.01)
        largest = np.abs(found.axes).argmax(axis=1)
        assert (found.axes[[0, 1], largest] > 0).all()


def test_further_images_find_their_place_in_the_same_plane(small: Callable[..., Experiment], mnist: Dataset) -> None:
    model = untrained(small(hidden=(32,)))
    images = mnist.test.images[:300]
    for values, again, other in zip(
        stages(model, images), stages(model, images[7:9]), stages(model, mnist.test.images[500:501]), strict=True
    ):
        found = plane(values)
        assert found.project(again) == pytest.approx(found.points[7:9], abs=1e-3)
        expected = (other[0].numpy() - found.mean) @ found.axes.T
        assert found.project(other)[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "values",
    [
        torch.arange(5.0).unsqueeze(1),
        torch.ones(5, 1),
        torch.full((5, 4), 0.1),
        torch.arange(8.0).reshape(2, 4) ** 2,
        torch.zeros(5, 2),
        ON_A_LINE,
    ],
)
def test_stages_that_hardly_vary_have_a_plane_as_well(values: Tensor) -> None:
    found = plane(values)
    assert found.points.shape == (len(values), 2)
    assert found.axes.shape == (2, values.shape[1])
    assert all(np.isfinite(numbers).all() for numbers in (found.points, found.shares, found.axes))
    assert (found.shares >= 0).all()
    varies = len(values.unique(dim=0)) > 1
    assert found.shares == pytest.approx([1.0 if varies else 0.0, 0.0], abs=1e-5)
    assert np.ptp(found.points[:, 0]) == pytest.approx(np.ptp((values - values[0]).norm(dim=1).numpy()), abs=1e-5)


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_image_makes_no_plane(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} images are not enough for a plane"):
        plane(torch.zeros(count, 784))
