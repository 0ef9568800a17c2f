"""Pen digits: UNIPEN files from anybody are read or refused in a sentence, and scores are of whole hands."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mlpcore.drawing import draw
from mlpcore.experiment import Architecture, Experiment
from mlpcore.models import Classifier
from mlpcore.network import MLP
from mlpcore.pen import DrawnDigits, drawn, score
from mlpcore.unipen import MAX_BYTES, UNKNOWN, InvalidInk, PenDigit, parse, read

HEADER = """.INCLUDE tablet.doc

.LEXICON "0" "1" "2" "3"
.HIERARCHY DIGIT
.COMMENT 7 is crossed in this country,
 as in most of Europe
"""
SEVEN = """.SEGMENT DIGIT 0-1 ? "7"
.COMMENT 7 12 224
.PEN_DOWN
 100 400
 300 400
 200 100
.PEN_UP
 250 250
.DT 100
.PEN_DOWN
 150 250
 260 255
.PEN_UP
.DT 100
"""
ONE = """.SEGMENT DIGIT 2 ? "1"
.COMMENT 1 3 225
.PEN_DOWN
 200 400
 200.5 -1e2
.PEN_UP
"""


class Fixed(Classifier):
    """Gives the answers that it was made with, in their order."""

    def __init__(self, answers: list[int]) -> None:
        generator = torch.Generator()
        architecture = Architecture(hidden=())
        super().__init__(Experiment(architecture=architecture), MLP(architecture, generator, generator).eval())
        object.__setattr__(self, "answers", iter(answers))

    def logits(self, images: Tensor) -> Tensor:
        answers: list[int] = [next(self.answers) for _ in images]  # type: ignore[attr-defined]
        return torch.nn.functional.one_hot(torch.tensor(answers), 10).float()


def by_writers(labels: list[int], writers: list[str]) -> DrawnDigits:
    return DrawnDigits(torch.zeros(len(labels), 28, 28, dtype=torch.uint8), torch.tensor(labels), writers, 0)


def test_labels_writers_and_strokes_are_read_and_y_points_down() -> None:
    seven, one = parse((HEADER + SEVEN + "\n" + ONE).encode())
    assert (seven.label, seven.writer, one.label, one.writer) == (7, "12", 1, "3")
    assert [stroke.tolist() for stroke in seven.strokes] == [
        [[100, -400], [300, -400], [200, -100]],
        [[150, -250], [260, -255]],
    ]
    assert [stroke.tolist() for stroke in one.strokes] == [[[200, -400], [200.5, 100]]]
    assert all(stroke.dtype == np.float64 for stroke in seven.strokes)


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + SEVEN).replace("\n", "\r\n").encode(),
        (HEADER + SEVEN).replace("\n", "\r").encode(),
        (HEADER + SEVEN).encode("utf-8-sig"),
        (HEADER + ".COMMENT Größe\n" + SEVEN).encode("latin-1"),
        (".COORD X Y T P\n" + SEVEN.replace("00\n", "00 5 0\n").replace("DT 100 5 0", "DT 100"))
        .replace("150 250", "150 250 1 1 260 255 1 1")
        .replace(" 260 255\n", "")
        .encode(),
        SEVEN.replace(".PEN_DOWN\n", ".PEN_DOWN").encode(),
        SEVEN.replace(" \n", "\n\n").replace(" 300 400\n", "\n300\t400\n").encode(),
        SEVEN.replace(".PEN_DOWN\n 150", ".PEN_DOWN\n.PEN_UP\n.PEN_DOWN\n 150").encode(),
        SEVEN.replace(".COMMENT 7 12 224", ".COMMENT shaky\n.COMMENT 7 12 224\n.COMMENT 7 13 1").encode(),
        (
            '.SEGMENT WORD 0 ? "seven"\n.PEN_DOWN\n 1 1\n.PEN_UP\n' + SEVEN + ".SEGMENT WORD\n.PEN_DOWN\n.PEN_UP"
        ).encode(),
    ],
)
def test_what_does_not_matter_changes_nothing(content: bytes) -> None:
    (digit,) = parse(content)
    (plain,) = parse(SEVEN.encode())
    assert (digit.label, digit.writer) == (plain.label, plain.writer)
    assert [stroke.tolist() for stroke in digit.strokes] == [stroke.tolist() for stroke in plain.strokes]


def test_a_writer_that_is_not_named_is_unknown() -> None:
    for comment in ("", ".COMMENT\n", ".COMMENT 7\n", ".COMMENT 7 Anna\n", ".COMMENT 7 -1 0\n"):
        (digit,) = parse(SEVEN.replace(".COMMENT 7 12 224\n", comment).encode())
        assert digit.writer == UNKNOWN


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["no digit", "UNIPEN"]),
        ("Dear Anna,\n", ["no digit"]),
        (HEADER, ["no digit"]),
        (SEVEN.replace("DIGIT", "WORD"), ["no digit"]),
        (SEVEN.encode("utf-16").decode("latin-1"), ["no digit"]),
        (SEVEN.replace('"7"', '"A"'), ["line 1:", "'A'", '"0" to "9"']),
        (SEVEN.replace('"7"', '"10"'), ["line 1:", "'10'"]),
        (SEVEN.replace('"7"', '""'), ["line 1:", "''"]),
        (SEVEN.replace('"7"', '"٧"'), ["line 1:"]),
        (SEVEN.replace('? "7"', ""), ["line 1:", "none"]),
        (SEVEN.replace("300 400", "300 nan"), ["line 5:", "'nan'", "1,000,000"]),
        (SEVEN.replace("300 400", "300 -inf"), ["line 5:", "'-inf'"]),
        (SEVEN.replace("300 400", "300 1e9"), ["line 5:", "'1e9'"]),
        (SEVEN.replace("300 400", "300 4O0"), ["line 5:", "'4O0'"]),
        (SEVEN.replace("300 400", "300"), ["line 5:", "a point is 2 numbers", "this line has 1"]),
        (".COORD X Y T\n" + SEVEN, ["line 5:", "3 numbers", "X Y T"]),
        (".COORD X P\n" + SEVEN, ["line 1:", "X and Y"]),
        (SEVEN.replace(".COMMENT 7 12 224\n.PEN_DOWN\n", ""), ["line 2:", "'100 400'", ".PEN_DOWN"]),
        (SEVEN + " 1 1\n", ["line 15:", "'1 1'", ".PEN_DOWN"]),
        (SEVEN[: SEVEN.index(" 260")], ["within the stroke", "line 10", "missing"]),
        (SEVEN[: SEVEN.index("55\n")], ["within the stroke", "line 10"]),
        (SEVEN[: SEVEN.index(".PEN_DOWN")], ["1 of its 1 digits", "no ink"]),
        ('.SEGMENT DIGIT 0 ? "1"\n.SEGMENT DIGIT 1 ? "2"\n' + SEVEN, ["2 of its 3 digits", ".SEGMENT"]),
    ],
)
def test_what_is_not_right_in_a_file_is_named(text: str, parts: list[str]) -> None:
    with pytest.raises(InvalidInk) as caught:
        parse(text.encode())
    for part in parts:
        assert part in str(caught.value)


def test_files_that_cannot_be_read_get_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "digits.unp"
    for content, part in [(b"." * (MAX_BYTES + 1), "split the file"), (b"\xff\x00" * 100, "no digit")]:
        file.write_bytes(content)
        with pytest.raises(InvalidInk, match=part) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file}: ")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / ("long" * 1000), Path("nul\0")):
        with pytest.raises(InvalidInk):
            read(path)
    file.write_text(SEVEN)
    assert len(read(file)) == 1


WORDS = st.one_of(
    st.sampled_from(
        [".SEGMENT", "DIGIT", ".COMMENT", ".PEN_DOWN", ".PEN_UP", ".DT", ".COORD", "X", "Y", '"3"', '"', "\n"]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=5),
)
LINES = st.sampled_from([*HEADER.splitlines(), *SEVEN.splitlines(), *ONE.splitlines(), ".COORD T Y X", "2", "nan 1"])
SOUND = st.sampled_from(["", SEVEN, ONE + SEVEN, '.SEGMENT DIGIT 0 ? "3"\n.PEN_DOWN\n'])
FILES = st.one_of(
    st.builds(lambda sound, rest: sound.encode() + rest, SOUND, st.binary(max_size=200)),
    st.builds(lambda sound, words: (sound + " ".join(words).replace("\n ", "\n")).encode(), SOUND, st.lists(WORDS)),
    st.builds(lambda sound, lines: "\n".join([sound, *lines, ".PEN_UP"]).encode(), SOUND, st.lists(LINES)),
    st.integers(0, len(SEVEN + ONE)).map(lambda end: (SEVEN + ONE)[:end].encode()),
)


@settings(max_examples=300)
@given(FILES)
def test_any_file_is_read_or_refused(content: bytes) -> None:
    try:
        digits, problem = parse(content), ""
    except InvalidInk as refused:
        digits, problem = [], str(refused)
    if not digits:
        assert problem.endswith(".") and "\n" not in problem
        return
    images = drawn(digits)
    assert len(images.labels) == len(images.images) == len(images.writers) == len(digits) - images.left_out > 0
    for digit in digits:
        assert 0 <= digit.label <= 9
        assert all(stroke.shape[1] == 2 and np.isfinite(stroke).all() for stroke in digit.strokes)


def test_the_images_are_those_of_the_draw_page_and_digits_without_ink_are_counted_apart() -> None:
    seven, one = parse((SEVEN + ONE).encode())
    calls: list[None] = []
    digits = drawn([seven, PenDigit(4, "12"), one], lambda: calls.append(None))
    expected = [draw(digit.strokes) for digit in (seven, one)]
    for image, other in zip(digits.images, expected, strict=True):
        assert other is not None and torch.equal(image, other)
    assert (digits.labels.tolist(), digits.writers, digits.left_out) == ([7, 1], ["12", "3"], 1)
    assert len(calls) == 3
    # The 7's long bar is in the upper half, so y was flipped.
    assert digits.images[0].sum(dim=1).argmax() < 14


def test_a_score_counts_by_digit_and_by_writer() -> None:
    digits = by_writers([7, 7, 7, 1, 1], ["12", "12", "3", "3", "12"])
    result = score("fixed", Fixed([7, 1, 7, 1, 9]), digits)
    assert (result.model, result.n, result.accuracy) == ("fixed", 5, 3 / 5)
    assert result.per_digit == {"1": 1 / 2, "7": 2 / 3}
    assert result.per_writer == {"12": 1 / 3, "3": 1.0}
    assert [len(row) for row in result.confusion] == [10] * 10
    cells = {(true, said): n for true, row in enumerate(result.confusion) for said, n in enumerate(row) if n}
    assert cells == {(7, 7): 2, (7, 1): 1, (1, 1): 1, (1, 9): 1}


def test_a_score_of_many_digits_is_asked_for_in_parts() -> None:
    asked: list[int] = []

    class Watched(Fixed):
        def logits(self, images: Tensor) -> Tensor:
            asked.append(len(images))
            return super().logits(images)

    labels = [i % 10 for i in range(2500)]
    assert score("all right", Watched(labels), by_writers(labels, ["1"] * 2500)).accuracy == 1
    assert sum(asked) == 2500 and max(asked) <= 1000


def shares_of(rights: list[int], totals: list[int]) -> tuple[float, tuple[float, float] | None]:
    """Accuracy and interval for writers who wrote `totals` digits, of which `rights` are recognised."""
    writers = [str(i) for i, total in enumerate(totals) for _ in range(total)]
    answers = [int(j >= right) for right, total in zip(rights, totals, strict=True) for j in range(total)]
    result = score("fixed", Fixed(answers), by_writers([0] * len(writers), writers))
    return result.accuracy, result.interval


def test_the_interval_is_over_writers_not_over_digits() -> None:
    # Every digit of a hand has the same fate. Of 10 writers in a resample, those who are read are binomial (10, 0.8).
    accuracy, interval = shares_of([20] * 8 + [0] * 2, [20] * 10)
    assert accuracy == 0.8
    assert interval == pytest.approx((0.5, 1.0), abs=1e-9)
    # All hands are equally hard: that the digits are many or few does not matter.
    assert shares_of([15] * 10, [20] * 10)[1] == pytest.approx((0.75, 0.75))


def test_the_interval_is_of_the_share_of_digits() -> None:
    # One of 10 writers has nearly all digits, and is never read. A resample has that hand 4 times or more in 1.3 % of
    # the cases, 3 times in 5.7 %, and not at all in 35 %.
    accuracy, interval = shares_of([0] + [1] * 9, [91] + [1] * 9)
    assert accuracy == 0.09
    assert interval == pytest.approx((7 / (7 + 3 * 91), 1.0))


def test_the_interval_is_the_same_again_and_missing_for_a_single_writer() -> None:
    rights, totals = [9, 7, 10, 3, 8], [10, 9, 12, 8, 8]
    assert shares_of(rights, totals) == shares_of(rights, totals)
    assert shares_of([3], [4]) == (0.75, None)


def test_a_trained_model_is_asked_as_it_is(small: Callable[..., Experiment]) -> None:
    generator = torch.Generator().manual_seed(0)
    experiment = small()
    model = Classifier(experiment, MLP(experiment.architecture, generator, generator).eval())
    digits = drawn(parse((SEVEN + ONE + SEVEN).encode()))
    answers = model.logits(digits.images).argmax(dim=1)
    result = score("fresh", model, digits)
    assert result.accuracy == pytest.approx((answers == digits.labels).float().mean().item())
    assert result.confusion[1][int(answers[1])] == 1
