"""Which pixels speak for and against an answer: the votes mean what they are said to mean, and harm no model."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection import METHODS, Method, Target, closest_contest, votes
from mlpcore.models import Score, TrainedModel
from mlpcore.training import Result, Trainer

Trained = Callable[..., tuple[Trainer, Result]]

ARCHITECTURES: list[dict[str, Any]] = [
    {"hidden": ()},
    {"hidden": (32,), "normalize": True},
    {"hidden": (40, 20), "activation": "gelu", "batch_norm": True, "dropout": 0.3, "normalize": True},
    {"hidden": (16, 16), "activation": "tanh"},
]
TARGETS = [Target(7), Target(7, 1), Target(0, 7)]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def make(small: Callable[..., Experiment], train: Trained) -> Callable[..., TrainedModel]:
    def model(**fields: object) -> TrainedModel:
        trainer, result = train(small(**fields))
        return TrainedModel("A small one", trainer.experiment, trainer.model.eval(), Score.of(result.test))

    return model


@pytest.fixture
def image(mnist: Dataset) -> Tensor:
    return mnist.test.images[0]


def value(model: TrainedModel, image: Tensor, target: Target) -> float:
    return target.of(model.logits(image.unsqueeze(0))).item()


# Targets


def test_a_target_is_a_logit_or_how_far_it_is_ahead_of_another() -> None:
    logits = torch.arange(20.0).reshape(2, 10) ** 2
    assert Target(3).of(logits).tolist() == [9, 169]
    assert Target(3, 9).of(logits).tolist() == [9 - 81, 169 - 361]
    assert (str(Target(7)), str(Target(7, 1))) == ("7", "7 rather than 1")


@pytest.mark.parametrize(
    ("digits", "said"),
    [((10,), "no digit 10"), ((-1,), "no digit -1"), ((3, 10), "no digit 10"), ((4, 4), "4 cannot be its own rival")],
)
def test_an_impossible_target_is_refused_in_a_sentence(digits: tuple[int, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Target(*digits)


def test_the_closest_contest_is_between_the_answer_and_the_runner_up() -> None:
    logits = torch.tensor([0.0, 2, -9, 1, 8, 3, 0, 0, 0, 7.5])
    assert closest_contest(logits) == Target(4, 9)
    assert closest_contest(-logits) == Target(2, 0)


def test_every_method_has_a_name_and_a_source() -> None:
    assert set(METHODS) == set(get_args(Method))
    for account in METHODS.values():
        assert account.title and account.meaning.endswith(".") and account.source
        assert account.url.startswith("https://")


# What votes mean


@pytest.mark.parametrize("fields", ARCHITECTURES)
def test_votes_of_integrated_gradients_add_up_to_what_the_ink_changes(
    make: Callable[..., TrainedModel], image: Tensor, fields: dict[str, Any]
) -> None:
    model = make(**fields)
    for target in TARGETS:
        change = value(model, image, target) - value(model, torch.zeros_like(image), target)
        assert votes(model, image, target, "integrated_gradients").sum() == pytest.approx(change, rel=0.01, abs=0.01)


def test_integrated_gradients_give_no_vote_to_empty_places(make: Callable[..., TrainedModel], image: Tensor) -> None:
    found = votes(make(normalize=True), image, Target(7), "integrated_gradients")
    assert not found[image == 0].any()
    assert (found[image > 0] != 0).mean() > 0.9


@pytest.mark.parametrize("fields", ARCHITECTURES)
def test_votes_of_occlusion_are_what_is_lost_by_erasing_ink_and_by_painting_over_gaps(
    make: Callable[..., TrainedModel], image: Tensor, fields: dict[str, Any]
) -> None:
    model, target = make(**fields), Target(7, 1)
    before = value(model, image, target)
    found = votes(model, image, target, "occlusion")
    grey = next(map(tuple, ((image > 50) & (image < 200)).nonzero().tolist()))
    black = np.unravel_index(int(image.argmax()), image.shape)
    for row, column in [(0, 0), (27, 1), (14, 27), (3, 14), grey, black]:
        losses: dict[int, list[float]] = {0: [], 255: []}
        for ink, of_ink in losses.items():
            for top in range(max(row - 2, 0), min(row, 25) + 1):
                for left in range(max(column - 2, 0), min(column, 25) + 1):
                    changed = image.clone()
                    changed[top : top + 3, left : left + 3] = ink
                    of_ink.append(before - value(model, changed, target))
        share = int(image[row, column]) / 255
        expected = share * np.mean(losses[0]) + (1 - share) * np.mean(losses[255])
        assert found[row, column] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_contrast_is_the_difference_of_two_votes(
    make: Callable[..., TrainedModel], image: Tensor, method: Method
) -> None:
    model = make(batch_norm=True)
    seven, one, contrast = (votes(model, image, target, method) for target in (Target(7), Target(1), Target(7, 1)))
    assert np.abs(contrast).max() > 0.01
    assert contrast == pytest.approx(seven - one, abs=1e-4)


def test_the_gap_on_top_of_a_4_speaks_for_4_rather_than_9(make: Callable[..., TrainedModel], mnist: Dataset) -> None:
    model = make(hidden=(64,), train_size=10_000)
    test = mnist.test
    fours = test.images[(test.labels == 4) & (model.logits(test.images).argmax(dim=1) == 4)][:20]
    of_gaps, of_others = [], []
    for four in fours:
        found = votes(model, four, Target(4, 9), "occlusion")
        gap = top_gap(four)
        of_gaps += found[gap].tolist()
        of_others += found[~gap].tolist()
    assert len(of_gaps) > 100
    assert np.mean(of_gaps) > 2 * abs(np.mean(of_others))


def top_gap(image: Tensor) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """What is empty between two strokes, in the upper third of the ink."""
    ink = image.numpy() > 100
    rows = np.flatnonzero(ink.any(axis=1))
    right_of_ink, left_of_ink = (np.maximum.accumulate(side, axis=1) for side in (ink, ink[:, ::-1]))
    between: np.ndarray[Any, np.dtype[np.bool_]] = ~ink & right_of_ink & left_of_ink[:, ::-1]
    between[rows[0] + len(rows) // 3 :] = False
    return between


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ink", [0, 255])
def test_images_that_are_all_paper_or_all_ink_do_no_harm(
    make: Callable[..., TrainedModel], method: Method, ink: int
) -> None:
    found = votes(make(batch_norm=True), torch.full((28, 28), ink, dtype=torch.uint8), Target(3), method)
    assert found.shape == (28, 28)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.any() == (method == "occlusion" or ink > 0)


# What is left behind


@pytest.mark.parametrize("method", METHODS)
def test_the_model_and_the_image_are_left_as_they_were(
    make: Callable[..., TrainedModel], image: Tensor, method: Method
) -> None:
    model = make(batch_norm=True, dropout=0.5)
    first, *others = model.network.parameters()
    first.grad = torch.full_like(first, 3)
    for parameter in others:
        parameter.grad = None
    state = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    modes = [module.training for module in model.network.modules()]
    pixels = image.clone()
    with torch.no_grad():
        votes(model, image, Target(7, 1), method)
        assert not torch.is_grad_enabled()
    assert torch.equal(first.grad, torch.full_like(first, 3))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in others)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.network.state_dict().items())
    assert [module.training for module in model.network.modules()] == modes
    assert torch.equal(image, pixels)


@pytest.mark.parametrize("method", METHODS)
def test_several_threads_may_ask_one_model_at_once(
    make: Callable[..., TrainedModel], mnist: Dataset, method: Method
) -> None:
    model = make(batch_norm=True, dropout=0.5)
    images = list(mnist.test.images[:24])
    alone = [votes(model, image, Target(7, 1), method) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: votes(model, image, Target(7, 1), method), images))
    for one, other in zip(alone, together, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
