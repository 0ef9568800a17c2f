"""What a model gets right, against figures that can be worked out by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mlpcore.datasets import Dataset
from mlpcore.evaluation import CHUNK, Evaluation, evaluate, judge, logits_in_chunks, most_confident_mistakes
from mlpcore.experiment import Architecture
from mlpcore.network import MLP


def logits_for(*rows: dict[int, float]) -> Tensor:
    """Logits that are 0 but for the classes given."""
    logits = torch.zeros(len(rows), 10)
    for row, values in zip(logits, rows, strict=True):
        for digit, value in values.items():
            row[digit] = value
    return logits


def make_model(**fields: object) -> MLP:
    architecture = Architecture.model_validate({"hidden": (32,), **fields})
    return MLP(architecture, torch.Generator().manual_seed(0), torch.Generator().manual_seed(1))


@pytest.fixture
def four() -> Evaluation:
    """Four images of classes 3, 3, 5, 7: two right, one taken for a 5, one for a 0 with more confidence."""
    logits = logits_for({3: math.log(9)}, {5: math.log(9)}, {5: math.log(27)}, {0: math.log(81)})
    return judge(logits, torch.tensor([3, 3, 5, 7]))


def test_figures_of_four_images(four: Evaluation) -> None:
    # Softmax of one logit ln k beside nine zeros: k / (k + 9) for it, 1 / (k + 9) for each other.
    probabilities_of_the_true_class = [9 / 18, 1 / 18, 27 / 36, 1 / 90]
    assert four.loss == pytest.approx(-np.log(probabilities_of_the_true_class).mean())
    assert four.accuracy == 0.5
    assert four.predictions.tolist() == [3, 5, 5, 0]
    assert four.predictions.dtype == np.uint8
    assert four.confidences.tolist() == pytest.approx([9 / 18, 9 / 18, 27 / 36, 81 / 90])
    assert four.confidences.dtype == np.float32


def test_confusions_have_the_true_class_in_rows(four: Evaluation) -> None:
    expected = np.zeros((10, 10), int)
    expected[3, 3] = expected[3, 5] = expected[5, 5] = expected[7, 0] = 1
    assert np.array_equal(four.confusion, expected)


def test_a_class_without_images_has_no_accuracy(four: Evaluation) -> None:
    accuracies = four.class_accuracies
    assert [accuracies[digit] for digit in (3, 5, 7)] == [0.5, 1.0, 0.0]
    assert np.isnan(np.delete(accuracies, [3, 5, 7])).all()


@given(st.integers(1, 20_000), st.floats(0, 1))
def test_the_interval_is_wilsons(images: int, share: float) -> None:
    right = round(share * images)
    predictions = (torch.arange(images) >= right).long()
    evaluation = judge(nn.functional.one_hot(predictions, 10).float(), torch.zeros(images, dtype=torch.int64))
    z, p = 1.959963984540054, right / images
    centre = (p + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z / (1 + z**2 / images) * math.sqrt(p * (1 - p) / images + z**2 / (4 * images**2))
    assert evaluation.accuracy == p
    assert evaluation.interval == pytest.approx((max(0, centre - half), min(1, centre + half)), abs=1e-9)
    low, high = evaluation.interval
    assert 0 <= low <= p <= high <= 1


def test_very_large_logits_keep_the_loss_finite() -> None:
    evaluation = judge(logits_for({1: 1e30}, {1: 500}), torch.tensor([1, 0]))
    assert evaluation.loss == pytest.approx(250)
    assert evaluation.confidences.tolist() == [1, 1]
    assert evaluation.predictions.tolist() == [1, 1]


def test_the_prediction_is_the_largest_logit_however_close_the_next() -> None:
    logits = logits_for({3: 1e-3, 7: 1.00001e-3})
    assert judge(logits, torch.tensor([7])).predictions.tolist() == [7]


def test_mistakes_come_the_surest_first(four: Evaluation) -> None:
    labels = torch.tensor([3, 3, 5, 7])
    surest, other = most_confident_mistakes(four, labels, 10)
    assert (surest.index, surest.true, surest.predicted) == (3, 7, 0)
    assert (other.index, other.true, other.predicted) == (1, 3, 5)
    assert surest.confidence == pytest.approx(0.9)
    assert most_confident_mistakes(four, labels, 1) == [surest]
    assert most_confident_mistakes(four, labels, 0) == []
    right = judge(logits_for({3: 5.0}), torch.tensor([3]))
    assert most_confident_mistakes(right, torch.tensor([3]), 10) == []


@pytest.mark.parametrize("normalize", [None, (0.1307, 0.3081)])
def test_chunks_give_what_one_pass_gives(normalize: tuple[float, float] | None, mnist: Dataset) -> None:
    count = 2 * CHUNK + 345
    images, labels = mnist.test.images[:count], mnist.test.labels[:count]
    model = make_model(dropout=0.5, batch_norm=True)
    pixels = images.float() / 255
    if normalize:
        pixels = (pixels - normalize[0]) / normalize[1]
    with torch.no_grad():
        model(pixels[:100])  # so that batch norm has seen something
        expected = judge(model.eval()(pixels), labels)
    evaluation = evaluate(model, images, labels, normalize)
    assert evaluation.loss == pytest.approx(expected.loss, rel=1e-5)
    assert evaluation.accuracy == pytest.approx(expected.accuracy, abs=1 / count)
    np.testing.assert_allclose(evaluation.confidences, expected.confidences, rtol=1e-4)
    assert len(evaluation.predictions) == count


def test_rows_are_evaluated_in_the_order_given_in_chunks_of_a_thousand(mnist: Dataset) -> None:
    model = make_model()
    rows = torch.arange(2500).flip(0)
    chunks = list(logits_in_chunks(model, mnist.test.images, rows, None))
    assert [len(chunk) for chunk in chunks] == [1000, 1000, 500]
    with torch.no_grad():
        expected = model(mnist.test.images[rows].float() / 255)
    torch.testing.assert_close(torch.cat(chunks), expected, rtol=1e-4, atol=1e-5)
    assert not any(chunk.requires_grad for chunk in chunks)


@pytest.mark.parametrize("training", [True, False])
def test_the_models_mode_is_its_own_again_after_every_chunk(training: bool, mnist: Dataset) -> None:
    model = make_model(dropout=0.5, batch_norm=True).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    while_computing = []
    model.register_forward_pre_hook(lambda model, _: while_computing.append(model.training))
    for _ in logits_in_chunks(model, mnist.test.images, torch.arange(1500), None):
        assert all(part.training == training for part in model.modules())
    assert while_computing == [False, False]
    # Batch norm's running figures would have moved in training mode.
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
