"""My digits: keeping, holding out, deleting, exporting."""

import json

import numpy as np
import pytest
import torch

from mlpcore.collection import HELD_OUT_EVERY, MAX_DIGITS, Collection, as_tensors

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


def test_every_third_digit_is_held_out_also_after_deleting() -> None:
    collection = Collection()
    digits = [collection.keep(IMAGE, [], label) for label in range(10)]
    assert [digit.held_out for digit in digits] == [(n + 1) % HELD_OUT_EVERY == 0 for n in range(10)]
    collection.delete(digits[0])
    collection.delete(digits[0])
    assert len(collection.digits) == 9
    assert [collection.keep(IMAGE, [], 1).held_out for _ in range(3)] == [False, True, False]
    collection.clear()
    assert not collection.digits


@pytest.mark.parametrize("label", [-1, 10, 99])
def test_a_label_that_is_no_digit_is_refused(label: int) -> None:
    with pytest.raises(ValueError, match=f"{label} is no digit"):
        Collection().keep(IMAGE, [], label)


def test_a_full_collection_says_so_and_keeps_what_it_has() -> None:
    collection = Collection()
    for _ in range(MAX_DIGITS):
        collection.keep(IMAGE, [], 0)
    assert collection.is_full
    with pytest.raises(ValueError, match="delete some"):
        collection.keep(IMAGE, [], 0)
    assert len(collection.digits) == MAX_DIGITS


def test_the_export_holds_everything() -> None:
    collection = Collection()
    drawn = collection.keep(IMAGE, [STROKE], 4)
    collection.keep(IMAGE, [], 9)
    first, second = json.loads(collection.to_json())
    assert (first["label"], second["label"]) == (4, 9)
    assert first["strokes"] == [STROKE.tolist()]
    assert second["strokes"] == []
    assert torch.equal(torch.tensor(first["image"], dtype=torch.uint8), IMAGE)
    assert first["date"] == drawn.date.isoformat(timespec="seconds")
    assert first["held_out"] is False


def test_digits_as_tensors() -> None:
    collection = Collection()
    for label in (3, 1):
        collection.keep(IMAGE, [], label)
    images, labels = as_tensors(collection.digits)
    assert images.shape == (2, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.tolist() == [3, 1]
