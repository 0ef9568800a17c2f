"""Is it a 3? One output with a sigmoid and ten with softmax learn the same from the same start."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.binary import YesOrNo, ask_yes_or_no, with_one_output
from mlpcore.inspection.workbench import untrained

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def asked(mnist: Dataset) -> Callable[[int], YesOrNo]:
    return cache(partial(ask_yes_or_no, mnist))


@pytest.mark.parametrize("digit", [1, 3])
def test_both_learn_to_tell_and_the_figures_are_those_of_their_answers(
    asked: Callable[[int], YesOrNo], mnist: Dataset, digit: int
) -> None:
    found = asked(digit)
    truth = mnist.test.labels.numpy() == digit
    one, ten = found.sigmoid(mnist.test.images), found.softmax(mnist.test.images)
    assert one.shape == (10_000,) and ten.shape == (10_000, 10)
    assert ((one > 0) & (one < 1)).all()
    assert ten.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert found.always_no == pytest.approx(1 - truth.mean())
    for answers, said_yes in ((found.one_answers, one > 0.5), (found.ten_answers, ten.argmax(axis=1) == digit)):
        assert answers.right == pytest.approx((said_yes == truth).mean(), abs=1e-3)
        assert answers.found == pytest.approx(said_yes[truth].mean(), abs=1e-2)
        assert answers.right > found.always_no + 0.04
        assert answers.found > 0.8


def test_the_single_output_starts_as_the_tens_own(small: Callable[..., Experiment], mnist: Dataset) -> None:
    experiment, images = small(), mnist.test.images[:20]
    logits = with_one_output(experiment, 4).logits(images)
    assert logits.shape == (20, 1)
    assert torch.allclose(logits[:, 0], untrained(experiment).logits(images)[:, 4], atol=1e-6)


def test_they_have_the_same_shape_but_for_the_outputs(asked: Callable[[int], YesOrNo]) -> None:
    found = asked(3)
    shapes = [[tuple(layer.weight.shape) for layer in model.network.linear_layers] for model in (found.one, found.ten)]
    assert shapes == [[(64, 784), (1, 64)], [(64, 784), (10, 64)]]
    assert not found.one.network.training and not found.ten.network.training
    assert found.images == 6000


def test_the_same_question_has_the_same_answer_and_another_one_another(
    asked: Callable[[int], YesOrNo], mnist: Dataset
) -> None:
    first, again = asked(3), ask_yes_or_no(mnist, 3)
    images = mnist.test.images[:100]
    assert np.array_equal(first.sigmoid(images), again.sigmoid(images))
    assert np.array_equal(first.softmax(images), asked(1).softmax(images))
    assert not np.array_equal(first.sigmoid(images), asked(1).sigmoid(images))


@pytest.mark.parametrize("digit", [-1, 10])
def test_a_digit_that_there_is_not_is_refused(mnist: Dataset, digit: int) -> None:
    with pytest.raises(ValueError, match=f"There is no digit {digit}: choose one from 0 to 9"):
        ask_yes_or_no(mnist, digit)
