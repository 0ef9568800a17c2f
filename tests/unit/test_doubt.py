from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays

from mlpcore.datasets import Dataset
from mlpcore.doubt import Remark, is_unsure, remarks, teaching
from mlpcore.doubt.detector import BUNDLED, Detector, Kind, bundled, load, new_network, save
from mlpcore.doubt.teaching import FALSE_ALARMS, HELD_OUT, extents, random_strokes, side_by_side, teach
from mlpcore.drawing import draw
from mlpcore.experiment import Data, Experiment
from mlpcore.models import Reliability, Score, TrainedModel
from mlpcore.models.trained import CONFIDENCE_EDGES
from mlpcore.network import MLP
from mlpcore.sampling import seeded, split
from tests.handwriting import DIGITS, Points

pytestmark = pytest.mark.usefixtures("one_thread")

NO_DIGITS: dict[str, list[Points]] = {
    "star": [[(50, 0), (80, 100), (0, 40), (100, 40), (20, 100), (50, 0)]],
    "arrow": [[(0, 50), (100, 50)], [(70, 20), (100, 50), (70, 80)]],
    "tick": [[(0, 55), (30, 95), (100, 0)]],
    "X": [[(10, 0), (90, 100)], [(90, 0), (10, 100)]],
    "to and fro": [[(100 * (n % 2), 8 * n) for n in range(13)]],
    "scribble": [[(50 + 50 * np.sin(2.3 * n), 50 + 50 * np.cos(3.7 * n)) for n in range(20)]],
}


def said_of(strokes: Sequence[Points]) -> list[str]:
    image = draw([np.array(points, dtype=np.float64) for points in strokes])
    assert image is not None
    return [remark.kind for remark in remarks(image)]


def moved(strokes: Sequence[Points], right: float) -> list[Points]:
    return [[(x + right, y) for x, y in points] for points in strokes]


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_gets_no_remark(digit: int) -> None:
    assert said_of(DIGITS[digit]) == []


def test_nearly_all_test_images_get_no_remark(mnist: Dataset) -> None:
    kinds = np.array(bundled().kinds(mnist.test.images))
    assert (kinds == Kind.ONE).mean() > 0.99


@pytest.mark.parametrize("name", NO_DIGITS)
def test_what_is_no_digit_is_said_to_look_unlike_one(name: str) -> None:
    assert said_of(NO_DIGITS[name]) == ["unlike-digits"]


def test_two_digits_side_by_side_are_noticed() -> None:
    said = [said_of(DIGITS[left] + moved(DIGITS[right], 75)) for left, right in product(DIGITS, DIGITS)]
    assert sum(kinds != [] for kinds in said) >= 95
    assert sum(kinds == ["several-digits"] for kinds in said) >= 75


def test_a_dot_is_said_to_be_one() -> None:
    assert said_of([[(50, 50)]]) == ["dot"]
    assert said_of([[(50, 50), (50, 50)]]) == ["dot"]


def test_several_dots_are_no_digit_either_and_mnists_digits_are_more(mnist: Dataset) -> None:
    assert said_of([[(50, 50)], [(50, 80)]]) == ["dot"]
    assert said_of([[(50, 50)], [(53, 52)], [(90, 80), (91, 80)]]) == ["dot"]
    digits = mnist.train.images[torch.arange(0, 60_000, 12)]
    assert not any(remark.kind == "dot" for digit in digits for remark in remarks(digit))


def test_an_empty_image_is_said_to_be_empty() -> None:
    assert [remark.kind for remark in remarks(torch.zeros(28, 28, dtype=torch.uint8))] == ["empty"]


@given(arrays(np.uint8, (28, 28)))
def test_any_image_gets_one_remark_at_most_and_stays_as_it_is(pixels: np.ndarray) -> None:
    image = torch.from_numpy(pixels.copy())
    said = remarks(image)
    assert len(said) <= 1
    assert all(isinstance(remark, Remark) and remark.sentence.endswith(".") for remark in said)
    assert torch.equal(image, torch.from_numpy(pixels))


def test_the_sentences_name_what_the_models_were_never_taught() -> None:
    sentences = {}
    for strokes in (NO_DIGITS["star"], [[(5.0, 5.0)]], [*DIGITS[2], *moved(DIGITS[3], 75)]):
        image = draw([np.array(points, dtype=np.float64) for points in strokes])
        assert image is not None
        (remark,) = remarks(image)
        sentences[remark.kind] = remark.sentence
    assert "never seen letters, shapes or scribbles" in sentences["unlike-digits"]
    assert "never saw dots" in sentences["dot"]
    assert "were trained on single digits" in sentences["several-digits"]


def test_the_bundled_detector_was_made_as_its_code_says(mnist: Dataset) -> None:
    detector = bundled()
    rows, held_out = split(Data(validation=HELD_OUT))
    beyond = (detector.log_odds(mnist.train.images[held_out]) > detector.threshold).double().mean()
    assert float(beyond) == pytest.approx(FALSE_ALARMS, abs=0.001)
    assert detector.smallest == int(extents(mnist.train.images[rows]).min())
    assert BUNDLED.stat().st_size < 300_000


def test_a_detector_is_kept_in_a_file(tmp_path: Path, mnist: Dataset) -> None:
    detector = Detector(new_network().eval(), threshold=-1.25, smallest=7)
    save(detector, tmp_path / "one.safetensors")
    again = load(tmp_path / "one.safetensors")
    assert (again.threshold, again.smallest) == (-1.25, 7)
    images = mnist.test.images[:50]
    assert torch.allclose(again.log_odds(images), detector.log_odds(images), atol=0.01)


def test_a_short_lesson_already_tells_pairs_and_strokes_from_digits(
    mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "EPOCHS", 1)
    monkeypatch.setattr(teaching, "RANDOM_DRAWINGS", 300)
    monkeypatch.setattr(teaching, "BATCH", {Kind.ONE: 1000, Kind.SEVERAL: 200, Kind.OTHER: 200})
    loss, detector = teach(mnist)
    assert isinstance(loss, float)
    assert isinstance(detector, Detector)
    assert detector.smallest == bundled().smallest
    digits = mnist.test.images[:500]
    for others in (side_by_side(digits, seeded(1)), drawn_at_random(200)):
        assert detector.log_odds(others).median() > detector.log_odds(digits).quantile(0.75)


def drawn_at_random(count: int) -> torch.Tensor:
    random = np.random.default_rng(5)
    return torch.stack([image for _ in range(count) if (image := draw(random_strokes(random))) is not None])


def test_random_strokes_are_lines_and_the_same_from_the_same_seed() -> None:
    first, second = ([random_strokes(np.random.default_rng(3)) for _ in range(1)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True))
    random = np.random.default_rng(0)
    for _ in range(200):
        strokes = random_strokes(random)
        assert 1 <= len(strokes) <= 6
        assert all(len(points) >= 2 and points.shape[1] == 2 and np.isfinite(points).all() for points in strokes)


def test_digits_side_by_side_fill_the_box_of_one(mnist: Dataset) -> None:
    digits = mnist.test.images[:200]
    pairs = side_by_side(digits, seeded(0))
    assert pairs.dtype == torch.uint8 and pairs.shape == digits.shape
    assert (extents(pairs) <= 24).all() and (extents(pairs) >= 19).all()
    inked = (pairs >= 64).any(dim=1)
    gaps = [bool((~row[int(row.byte().argmax()) : 28 - int(row.flip(0).byte().argmax())]).any()) for row in inked]
    assert np.mean(gaps) > 0.5


def test_a_pair_has_its_own_digit_at_the_left() -> None:
    bars = torch.zeros(2, 28, 28, dtype=torch.uint8)
    bars[0, 4:24, 12:16] = 255  # upright
    bars[1, 12:16, 4:24] = 255  # lying
    for seed in range(8):
        first, second = side_by_side(bars, seeded(seed)) >= 128
        for pair, is_upright in ((first, True), (second, False)):
            _, across = pair.nonzero().unbind(1)
            left = pair[:, int(across.min())]
            assert (left.sum() > 6) == is_upright


def test_extents_are_the_longer_side_of_the_ink() -> None:
    images = torch.zeros(3, 28, 28, dtype=torch.uint8)
    images[0, 3, 5] = 1
    images[1, 4:9, 5:7] = 200
    images[2, 0, :] = 9
    assert extents(images).tolist() == [1, 5, 28]


def model(*records: tuple[int, int]) -> TrainedModel:
    """A model with so many images and so many right, by range of confidence."""
    reliability = tuple(Reliability(images=images, right=right) for images, right in records)
    experiment = Experiment()
    network = MLP(experiment.architecture, seeded(0), seeded(0)).eval()
    return TrainedModel(
        "Model", experiment, network, Score(loss=1, accuracy=1, interval=(1, 1), reliability=reliability)
    )


def records(good_from: float) -> list[tuple[int, int]]:
    """Half right below a confidence, and 99 % right above it."""
    return [(100, 50 if edge <= good_from else 99) for edge in (*CONFIDENCE_EDGES, 1.0)]


@pytest.mark.parametrize("good_from", CONFIDENCE_EDGES)
def test_an_answer_is_unsure_where_the_model_was_often_wrong(good_from: float) -> None:
    judged = model(*records(good_from))
    assert is_unsure(judged, good_from)
    assert is_unsure(judged, good_from - 0.2)
    assert not is_unsure(judged, good_from + 0.0005)
    assert not is_unsure(judged, 1.0)


def test_the_same_probability_is_worth_more_from_a_model_with_a_better_record() -> None:
    assert is_unsure(model(*records(0.98)), 0.96)
    assert not is_unsure(model(*records(0.9)), 0.96)


def test_a_lucky_range_below_a_bad_one_is_unsure_too() -> None:
    lucky = records(0.9)
    lucky[2] = (4, 4)
    assert is_unsure(model(*lucky), 0.65)


def test_nineteen_right_in_twenty_are_enough_and_fewer_are_not() -> None:
    many = [(0, 0)] * len(CONFIDENCE_EDGES)
    assert not is_unsure(model(*many, (100, 95)), 0.9999)
    assert is_unsure(model(*many, (100, 94)), 0.9999)


def test_an_answer_surer_than_any_on_record_is_unsure() -> None:
    modest = [*records(0.5)[:5], *[(0, 0)] * 6]
    assert not is_unsure(model(*modest), 0.7)
    assert is_unsure(model(*modest), 0.97)
