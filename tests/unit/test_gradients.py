"""How well a batch's gradient points the way of all images: checked against backward, and where the truth is known."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment
from mlpcore.inspection.gradients import Agreement, agreement
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.threads import one_thread

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def model(small: Callable[..., Experiment]) -> Classifier:
    return untrained(small(hidden=(16,)))


@pytest.fixture
def images(mnist: Dataset) -> Images:
    return Images(mnist.train.images[:2500], mnist.train.labels[:2500])


def found(model: Classifier, images: Images, sizes: tuple[int, ...], batches: int = 6) -> Agreement:
    return agreement(model, images, sizes, batches, torch.Generator().manual_seed(1), lambda done: None)


def by_backward(model: Classifier, images: Images, rows: Tensor) -> Tensor:
    model.network.zero_grad()
    F.cross_entropy(model.network(model.inputs(images.images[rows])), images.labels[rows]).backward()
    return torch.cat([p.grad.flatten() for p in model.network.parameters() if p.grad is not None]).double()


def test_it_is_the_angle_between_the_gradients_that_backward_gives(model: Classifier, images: Images) -> None:
    result = found(model, images, (1, 40), batches=3)
    whole = by_backward(model, images, torch.arange(2500))
    assert result.norm == pytest.approx(whole.norm().item(), rel=1e-5)
    generator = torch.Generator().manual_seed(1)
    for row, size in enumerate((1, 40)):
        for cosine in result.cosines[row]:
            batch = by_backward(model, images, torch.randperm(2500, generator=generator)[:size])
            assert cosine == pytest.approx((batch @ whole / batch.norm() / whole.norm()).item(), abs=1e-5)


def test_larger_batches_agree_better_and_all_images_agree_entirely(model: Classifier, images: Images) -> None:
    result = found(model, images, (1, 16, 256, 2500))
    assert result.sizes == (1, 16, 256, 2500) and result.cosines.shape == (4, 6)
    means = result.cosines.mean(axis=1)
    assert (np.diff(means) > 0).all()
    assert result.cosines[3] == pytest.approx(1)
    assert (np.abs(result.cosines) <= 1 + 1e-9).all()


def test_equal_images_agree_entirely(model: Classifier, images: Images) -> None:
    equal = Images(images.images[:1].expand(50, -1, -1), images.labels[:1].expand(50))
    assert found(model, equal, (1, 5)).cosines == pytest.approx(1)


def test_of_two_kinds_of_images_each_gradient_has_its_known_angle(model: Classifier, images: Images) -> None:
    """The whole gradient is the mean of the two, so that single images fall on two angles only."""
    two = Images(images.images[[0] * 10 + [1] * 10], images.labels[[0] * 10 + [1] * 10])
    first, second = by_backward(model, two, torch.tensor([0])), by_backward(model, two, torch.tensor([10]))
    expected = {round(F.cosine_similarity(each, (first + second) / 2, dim=0).item(), 4) for each in (first, second)}
    assert {round(float(cosine), 4) for cosine in found(model, two, (1,), batches=20).cosines[0]} == expected


def test_the_model_its_gradients_and_the_random_numbers_of_others_stay_as_they_are(
    small: Callable[..., Experiment], images: Images
) -> None:
    model = untrained(small(hidden=(16,), batch_norm=True, dropout=0.5))
    by_backward(model, images, torch.arange(10))
    before = [(p.clone(), p.grad.clone()) for p in model.network.parameters() if p.grad is not None]
    state, buffers = torch.get_rng_state(), [buffer.clone() for buffer in model.network.buffers()]
    assert (found(model, images, (4,)).cosines == found(model, images, (4,)).cosines).all()
    for parameter, (value, gradient) in zip(model.network.parameters(), before, strict=True):
        assert torch.equal(parameter, value) and parameter.grad is not None and torch.equal(parameter.grad, gradient)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(old, new) for old, new in zip(buffers, model.network.buffers(), strict=True))
    assert not model.network.training


def test_it_works_where_gradients_are_switched_off(model: Classifier, images: Images) -> None:
    with torch.no_grad():
        assert found(model, images, (2500,), batches=1).cosines[0] == pytest.approx([1])


def test_it_tells_how_far_it_is_in_small_pieces_and_ends_when_told(model: Classifier, images: Images) -> None:
    shares: list[float] = []
    agreement(model, images, (1, 2400), 2, torch.Generator(), shares.append)
    # Three pieces for all 2,500 images, one for each single image, three for each batch of 2,400.
    assert len(shares) == 3 + 2 + 6 and (np.diff(shares) > 0).all() and shares[-1] == 1

    class Enough(Exception):
        pass

    def stop(done: float) -> None:
        assert torch.get_num_threads() == 1
        raise Enough

    torch.set_num_threads(2)
    with pytest.raises(Enough):
        agreement(model, images, (1,), 1, torch.Generator(), stop)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("size", [0, 2501])
def test_an_impossible_size_is_refused(model: Classifier, images: Images, size: int) -> None:
    with pytest.raises(ValueError, match=r"not possible: give 1 to 2,500 images"):
        found(model, images, (size,))


def test_threads_are_as_before_afterwards() -> None:
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
