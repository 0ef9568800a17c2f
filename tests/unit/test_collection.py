"""My digits: keeping, holding out, deleting, exporting."""

import json

import numpy as np
import pytest
import torch

from mlpcore.collection import HELD_OUT_EVERY, MAX_DIGITS, MAX_POINTS, Collection, as_tensors

BLANK = torch.zeros(28, 28, dtype=torch.uint8)
IMAGE = torch.arange(28 * 28, dtype=torch.int64).remainder(256).to(torch.uint8).reshape(28, 28)
STROKE = np.array([[1.0, 2.0], [3.25, 4.5]])


def test_a_digit_is_kept_as_it_was_given_whatever_happens_to_the_original() -> None:
    collection, image, stroke = Collection(), IMAGE.clone(), STROKE.copy()
    digit = collection.keep(image, [stroke], 7)
    image.zero_()
    stroke[:] = 0
    assert torch.equal(digit.image, IMAGE)
    assert np.array_equal(digit.strokes[0], STROKE)
    assert digit.label == 7
    assert collection.digits == (digit,)


def images(count: int) -> list[torch.Tensor]:
    """As many different images."""
    different = []
    for number in range(count):
        image = BLANK.clone()
        image[number // 28, number % 28] = 255
        different.append(image)
    return different


def test_every_third_digit_is_held_out_also_after_deleting() -> None:
    collection = Collection()
    digits = [collection.keep(image, [], label) for label, image in enumerate(images(10))]
    assert [digit.held_out for digit in digits] == [(n + 1) % HELD_OUT_EVERY == 0 for n in range(10)]
    collection.delete(digits[0])
    collection.delete(digits[0])
    assert len(collection.digits) == 9
    assert [collection.keep(image, [], 1).held_out for image in images(13)[10:]] == [False, True, False]
    collection.clear()
    assert not collection.digits


def test_the_same_drawing_is_one_digit_whatever_label_it_is_given() -> None:
    collection = Collection()
    first, second, third = images(3)
    collection.keep(first, [], 7)
    collection.keep(second, [STROKE], 3)
    corrected = collection.keep(first, [], 1)
    assert [digit.label for digit in collection.digits] == [1, 3]
    assert collection.find(first) is corrected
    assert collection.find(third) is None


def test_what_a_copy_may_have_learned_from_never_comes_to_score_it() -> None:
    collection = Collection()
    roles = [collection.keep(image, [], 0).held_out for image in images(6)]
    for digit in collection.digits:
        collection.delete(digit)
    again = [collection.keep(image, [], 0).held_out for image in reversed(images(6))]
    assert again == roles[::-1]


def test_strokes_of_many_points_are_thinned_and_keep_their_ends() -> None:
    long = np.arange(20_000.0).reshape(-1, 2)
    (kept,) = Collection().keep(IMAGE, [long], 5).strokes
    assert len(kept) <= MAX_POINTS + 1
    assert np.array_equal(kept[[0, -1]], long[[0, -1]])


@pytest.mark.parametrize("label", [-1, 10, 99])
def test_a_label_that_is_no_digit_is_refused(label: int) -> None:
    with pytest.raises(ValueError, match=f"{label} is not a digit"):
        Collection().keep(IMAGE, [], label)


def test_a_full_collection_says_so_and_keeps_what_it_has() -> None:
    collection = Collection()
    *all_but_one, one_more = images(MAX_DIGITS + 1)
    for image in all_but_one:
        collection.keep(image, [], 0)
    assert collection.is_full
    with pytest.raises(ValueError, match="delete some"):
        collection.keep(one_more, [], 0)
    assert collection.keep(all_but_one[3], [], 8).label == 8, "a correction is still possible"
    assert len(collection.digits) == MAX_DIGITS


def test_the_export_holds_everything() -> None:
    collection = Collection()
    drawn = collection.keep(IMAGE, [STROKE], 4)
    collection.keep(BLANK, [], 9)
    first, second = json.loads(collection.to_json())
    assert (first["label"], second["label"]) == (4, 9)
    assert first["strokes"] == [STROKE.tolist()]
    assert second["strokes"] == []
    assert torch.equal(torch.tensor(first["image"], dtype=torch.uint8), IMAGE)
    assert first["date"] == drawn.date.isoformat(timespec="seconds")
    assert first["held_out"] is False


def test_digits_as_tensors() -> None:
    collection = Collection()
    for label, image in [(3, IMAGE), (1, BLANK)]:
        collection.keep(image, [], label)
    pictures, labels = as_tensors(collection.digits)
    assert torch.equal(pictures, torch.stack([IMAGE, BLANK]))
    assert labels.tolist() == [3, 1]
