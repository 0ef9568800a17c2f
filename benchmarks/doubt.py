"""What the doubts of the Draw page rest on: how often they are raised about digits, and about what is none.

`python -m benchmarks.doubt [FILE]`, FILE being pen-drawn digits in UNIPEN format, which show what people's drawings are
like; without it there are MNIST's digits alone. What is no digit is drawn here, by an imagined hand. The detector was
taught none of it: neither these letters and shapes nor scribbles of these kinds.

Everything comes as a table of shares in percent:

- remarks about a drawing, by kind;
- the detector beside methods that need no examples of what is no digit, all with the same false alarms;
- answers called unsure, for several demands on a model's record, if there is a FILE (`mlpcore.doubt.answers`);
- what gets by: a drawing without a remark, to which a model gives an answer that is not called unsure.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from mlpcore import datasets, models, pen, unipen
from mlpcore.datasets import to_input
from mlpcore.doubt import answers, remarks
from mlpcore.doubt.detector import bundled
from mlpcore.doubt.teaching import HELD_OUT, side_by_side
from mlpcore.drawing import Stroke, draw
from mlpcore.experiment import PIXELS, Data
from mlpcore.models import TrainedModel
from mlpcore.sampling import seeded, split

Array = npt.NDArray[np.float64]
Score = Callable[[Tensor], Array]
"""How strange images, uint8 [N, 28, 28], are: [N], more is stranger."""

HANDS = 40
"""How often each letter and each shape is drawn."""

PAIRS = 2000
SCRIBBLES = 300
COMPONENTS = 50
NEIGHBOURS = 5000
FALSE_ALARMS = 0.01
DEMANDS = (0.8, 0.9, 0.95, 0.975, 0.99)
SEED = 1

# Strokes in a box of 10 by 10, y down: corners, or after ~ points of a smooth line.
LETTERS = {
    "A": "0,10 5,0 10,10|2,6 8,6",
    "B": "1,0 1,10|~1,0 6,0 8,2.5 6,5 1,5|~1,5 7,5 9,7.5 7,10 1,10",
    "C": "~9,2 6,0 2,2 1,5 2,8 6,10 9,8",
    "D": "1,0 1,10|~1,0 6,1 9,5 6,9 1,10",
    "E": "8,0 1,0 1,10 8,10|1,5 7,5",
    "F": "8,0 1,0 1,10|1,5 7,5",
    "G": "~9,2 6,0 2,2 1,5 2,8 6,10 9,8 9,5.5|9,5.5 5,5.5",
    "H": "1,0 1,10|9,0 9,10|1,5 9,5",
    "I": "2,0 8,0|5,0 5,10|2,10 8,10",
    "J": "~8,0 8,5 8,8 5,10 2,8",
    "K": "1,0 1,10|9,0 1,6|3,4.5 9,10",
    "L": "1,0 1,10 8,10",
    "M": "0,10 1,0 5,7 9,0 10,10",
    "N": "1,10 1,0 9,10 9,0",
    "O": "~5,0 1,3 1,7 5,10 9,7 9,3 5,0",
    "P": "1,0 1,10|~1,0 7,0 9,2.5 7,5 1,5",
    "Q": "~5,0 1,3 1,7 5,10 9,7 9,3 5,0|6,7 10,10",
    "R": "1,0 1,10|~1,0 7,0 9,2.5 7,5 1,5|4,5 9,10",
    "S": "~9,2 5,0 1,2.5 5,5 9,7.5 5,10 1,8",
    "T": "0,0 10,0|5,0 5,10",
    "U": "~1,0 1,6 2,9 5,10 8,9 9,6 9,0",
    "V": "1,0 5,10 9,0",
    "W": "0,0 2,10 5,3 8,10 10,0",
    "X": "1,0 9,10|9,0 1,10",
    "Y": "1,0 5,5 9,0|5,5 5,10",
    "Z": "1,0 9,0 1,10 9,10",
    "a": "~8,2 4,0 1,4 3,8 6,8 8,5|~8,0 8,6 10,9",
    "b": "1,0 1,10|~1,6 4,4 7,5 8,7.5 6,10 1,9",
    "d": "8,0 8,10|~8,6 5,4 2,5 1,7.5 3,10 8,9",
    "e": "~1,5 9,5 8,1 4,0 1,4 2,8 6,10 9,8",
    "f": "~9,1 6,0 5,3 5,10|2,4 8,4",
    "g": "~8,1 4,0 2,3 5,5 8,3|~8,0 8,7 5,10 2,8",
    "h": "1,0 1,10|~1,6 4,4 7,5 8,10",
    "i": "5,3 5,10|5,0 5,0.3",
    "k": "1,0 1,10|7,4 1,7.5|3,6.5 8,10",
    "m": "0,3 0,10|~0,5 2,3 4,5 4,10|~4,5 7,3 9,5 9,10",
    "n": "1,3 1,10|~1,5 4,3 7,4 8,10",
    "p": "1,3 1,13|~1,4 5,3 8,5 6,8 1,8",
    "q": "8,3 8,13|~8,4 4,3 1,5 3,8 8,8",
    "r": "1,3 1,10|~1,6 4,3 7,3.5",
    "t": "~4,0 4,8 6,10 8,9|1,3 8,3",
    "u": "~1,3 1,8 4,10 7,8|~8,3 8,8 9,10",
    "w": "~0,3 1,9 3,10 5,5 7,10 9,9 10,3",
    "y": "1,3 5,8|9,3 3,13",
}
SHAPES = {
    "cross": "5,0 5,10|0,5 10,5",
    "square": "0,0 10,0 10,10 0,10 0,0",
    "triangle": "5,0 10,9 0,9 5,0",
    "heart": "~5,3 3,0 0,1 1,5 5,10|~5,3 7,0 10,1 9,5 5,10",
    "arrow": "0,5 10,5|7,2 10,5 7,8",
    "star": "5,0 8,10 0,4 10,4 2,10 5,0",
    "house": "0,10 0,4 5,0 10,4 10,10 0,10|4,10 4,7 6,7 6,10",
    "smiley": "~5,0 1,2 0,5 1,8 5,10 9,8 10,5 9,2 5,0|3,3 3,4|7,3 7,4|~2,6 4,8 6,8 8,6",
    "spiral": "~5,5 6,4 7,5 6,7 4,7 3,5 4,3 6,2 9,4 8,8 5,10 1,8 0,4 3,0 7,0",
    "tick": "0,5 3,9 10,0",
    "hash": "3,0 3,10|7,0 7,10|0,3 10,3|0,7 10,7",
    "question mark": "~2,2 5,0 8,2 7,5 5,6 5,7.5|5,9.6 5,10",
    "stick man": "~5,0 4,1.5 5,3 6,1.5 5,0|5,3 5,7|2,5 8,5|5,7 3,10|5,7 7,10",
    "wave": "~0,5 1,3 2,5 3,7 4,5 5,3 6,5 7,7 8,5 9,3 10,5",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Shares of digits and of other drawings that are doubted.")
    parser.add_argument("file", nargs="?", type=Path, help="pen-drawn digits in UNIPEN format")
    path: Path | None = parser.parse_args().file
    try:
        written = unipen.read(path) if path else []
    except unipen.InvalidInk as invalid:
        parser.error(str(invalid))
    torch.set_num_threads(1)
    dataset = datasets.load("mnist")
    learned, held_out = (dataset.train.images[rows] for rows in split(Data(validation=HELD_OUT)))
    drawn = pen.drawn(written) if written else None
    digits = {"MNIST, held out in training": held_out, "MNIST, test": dataset.test.images}
    if drawn:
        digits["pen-drawn digits"] = drawn.images
    others = dict(no_digits(dataset.test.images, written))
    ready = models.bundled()

    print_remarks(digits | others)
    print_comparison(dict(scores(learned, ready)), digits, others)
    if drawn:
        print_unsure(ready, drawn)
    print_unwarned(ready, digits | others)
    print_speed(others["letters"])


def no_digits(digits: Tensor, written: list[unipen.PenDigit]) -> Iterator[tuple[str, Tensor]]:
    """Images, uint8 [N, 28, 28], of what is no digit, by what it is."""
    random = np.random.default_rng(SEED)
    yield "dots", _drawn([[random.uniform(0, 100, (1, 2))] for _ in range(HANDS)])
    for name, shape in SHAPES.items():
        yield f"shapes, {name}", _drawn([_by_hand(shape, random) for _ in range(HANDS)])
    yield "letters", _drawn([_by_hand(letter, random) for letter in LETTERS.values() for _ in range(HANDS)])
    for name, scribble in {"loose": _loose, "loops": _loops, "lines": _lines, "trembling": _trembling}.items():
        yield f"scribbles, {name}", _drawn([scribble(random) for _ in range(SCRIBBLES)])
    yield "two digits, MNIST, test", side_by_side(digits[:PAIRS], seeded(SEED))
    inked = [digit.strokes for digit in written if digit.strokes]
    if inked:
        pairs = random.integers(0, len(inked), (PAIRS, 2))
        yield "two digits, pen-drawn", _drawn([_beside(inked[left], inked[right], random) for left, right in pairs])


def _drawn(drawings: list[list[Stroke]]) -> Tensor:
    return torch.stack([image for strokes in drawings if (image := draw(strokes)) is not None])


def _by_hand(shape: str, random: np.random.Generator) -> list[Stroke]:
    """A letter or shape leaning, stretched, with strokes out of place and lines that are not quite straight."""
    lean, turn = random.normal(0, 0.15), random.normal(0, 0.08)
    stretch = np.exp(random.normal(0, 0.12, 2))
    matrix = np.diag(stretch) @ np.array([[1, 0], [lean, 1]]) @ np.array([[1, turn], [-turn, 1]])
    strokes = []
    for part in shape.split("|"):
        corners = np.array([[float(number) for number in point.split(",")] for point in part.lstrip("~").split()])
        corners += random.normal(0, 0.25, corners.shape)
        strokes.append((_smooth(corners) if part.startswith("~") else corners) @ matrix + random.normal(0, 0.2, 2))
    return strokes


def _loose(random: np.random.Generator) -> list[Stroke]:
    return [_smooth(random.uniform(0, 100, (random.integers(8, 20), 2)))]


def _loops(random: np.random.Generator) -> list[Stroke]:
    angle = np.linspace(0, 2 * np.pi * random.integers(4, 8), 300)
    wander = random.normal(0, 0.7, (300, 2)).cumsum(axis=0)
    drift = np.stack([angle * random.uniform(0, 5), np.zeros(300)], axis=1)
    return [60 * np.stack([np.cos(angle), np.sin(angle) * random.uniform(0.4, 1)], axis=1) + wander + drift]


def _lines(random: np.random.Generator) -> list[Stroke]:
    return [_smooth(random.uniform(0, 100, (3, 2))) for _ in range(random.integers(4, 9))]


def _trembling(random: np.random.Generator) -> list[Stroke]:
    direction = random.normal(0, 0.6, 200).cumsum()
    return [np.stack([np.cos(direction), np.sin(direction)], axis=1).cumsum(axis=0)]


def _smooth(points: Array) -> Array:
    at = np.arange(len(points))
    line: Array = CubicSpline(at, points)(np.linspace(0, at[-1], 10 * len(points)))
    return line


def _beside(left: list[Stroke], right: list[Stroke], random: np.random.Generator) -> list[Stroke]:
    """Two digits of about the same height, with a gap of 5 to 50 % of it."""
    strokes: list[Stroke] = []
    edge = 0.0
    for digit in (left, right):
        points = np.concatenate(digit)
        size = np.maximum(np.ptp(points, axis=0), 1e-9)
        scale = np.exp(random.normal(0, 0.1)) / size[1]
        strokes += [(stroke - points.min(axis=0)) * scale + (edge, random.normal(0, 0.08)) for stroke in digit]
        edge += size[0] * scale + random.uniform(0.05, 0.5)
    return strokes


def scores(learned: Tensor, ready: list[TrainedModel]) -> Iterator[tuple[str, Score]]:
    """The detector and what it is compared with, fitted to the training images that it learned from."""
    yield "the detector", lambda images: bundled().log_odds(images).numpy().astype(np.float64)

    pixels = _flat(learned)
    mean = pixels.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(pixels.T))
    components = directions[:, -COMPONENTS:]

    def beyond_components(images: Tensor) -> Array:
        off = _flat(images) - mean
        distances: Array = ((off - off @ components @ components.T) ** 2).sum(axis=1)
        return distances

    yield f"distance to {COMPONENTS} principal components", beyond_components

    labels = datasets.load("mnist").train.labels[split(Data(validation=HELD_OUT))[0]].numpy()
    projected = (pixels - mean) @ components
    classes = [projected[labels == label] for label in range(10)]
    centres = [one.mean(axis=0) for one in classes]
    whitenings = [np.linalg.cholesky(np.linalg.inv(np.cov(one.T))) for one in classes]

    def from_classes(images: Tensor) -> Array:
        points = (_flat(images) - mean) @ components
        distances = [(((points - c) @ w) ** 2).sum(axis=1) for c, w in zip(centres, whitenings, strict=True)]
        nearest: Array = np.min(distances, axis=0)
        return nearest

    yield "Mahalanobis distance to the nearest class in these", from_classes

    some = torch.from_numpy(pixels[:NEIGHBOURS]).float()

    def from_images(images: Tensor) -> Array:
        return torch.cdist(torch.from_numpy(_flat(images)).float(), some).amin(dim=1).numpy().astype(np.float64)

    yield f"distance to the nearest of {NEIGHBOURS:,} images", from_images
    for model in ready:
        yield f"energy, {model.title}", partial(_energy, model)


def _energy(model: TrainedModel, images: Tensor) -> Array:
    """W. Liu et al., *Energy-based Out-of-distribution Detection*, NeurIPS 2020."""
    energies: Array = -model.logits(images).logsumexp(dim=1).double().numpy()
    return energies


def _flat(images: Tensor) -> Array:
    return to_input(images).reshape(-1, PIXELS).numpy().astype(np.float64)


def print_remarks(sets: dict[str, Tensor]) -> None:
    print(f"Remarks about a drawing, in %\n{'':34}{'images':>8}{'none':>8}{'several':>9}{'unlike':>8}{'dot':>6}")
    for name, images in sets.items():
        kinds = [remark[0].kind if (remark := remarks(image)) else None for image in images]
        shares = [100 * kinds.count(kind) / len(kinds) for kind in (None, "several-digits", "unlike-digits", "dot")]
        print(f"{name:34}{len(kinds):8,}{shares[0]:8.1f}{shares[1]:9.1f}{shares[2]:8.1f}{shares[3]:6.0f}")


def print_comparison(methods: dict[str, Score], digits: dict[str, Tensor], others: dict[str, Tensor]) -> None:
    """Every method at the threshold beyond which at most 1 % of any kind of digits lie."""
    groups = {
        kind: torch.cat([images for name, images in others.items() if name.startswith(kind)])
        for kind in ("letters", "shapes", "scribbles", "two digits")
    }
    print(f"\nFound at a threshold that doubts {FALSE_ALARMS:.0%} of one kind of digits and fewer of the others, in %")
    print(f"{'':52}" + "".join(f"{name:>12}" for name in groups))
    for name, score in methods.items():
        threshold = max(np.quantile(score(images), 1 - FALSE_ALARMS) for images in digits.values())
        shares = [100 * float((score(images) > threshold).mean()) for images in groups.values()]
        print(f"{name:52}" + "".join(f"{share:12.1f}" for share in shares))


def print_unsure(ready: list[TrainedModel], drawn: pen.DrawnDigits) -> None:
    print(
        "\nAnswers to pen-drawn digits called unsure, where the model's record on test images falls short of a demand, "
        f"in %\n{'':30}{'demand':>8}{'up to p':>9}{'unsure':>8}{'of wrong':>10}{'of right':>10}{'Youden J':>10}"
        f"{'sure, wrong':>13}{'unsure, wrong':>15}"
    )
    gains: dict[float, list[float]] = {demand: [] for demand in DEMANDS}
    wrong_on_record, wrong_in_fact = [], []
    for model in ready:
        confidences, predicted = model.probabilities(drawn.images).max(dim=1)
        right = (predicted == drawn.labels).numpy()
        records = [model.test.at(float(confidence)) for confidence in confidences]
        wrong = np.array([1 - record.right / record.images if record.images else np.nan for record in records])
        halfway = (wrong >= 0.01) & (wrong <= 0.1)
        wrong_on_record += wrong[halfway].tolist()
        wrong_in_fact += (~right[halfway]).tolist()
        for demand in DEMANDS:
            limit = answers.doubtful_up_to(model.test, demand)
            unsure = confidences.numpy() <= limit
            gains[demand].append(float(unsure[~right].mean() - unsure[right].mean()))
            shares = [unsure.mean(), unsure[~right].mean(), unsure[right].mean(), gains[demand][-1]]
            shares += [1 - right[~unsure].mean(), 1 - right[unsure].mean()]
            print(
                f"{model.title:30}{demand:8.3f}{limit:9.3f}"
                + "".join(
                    f"{100 * share:{width}.1f}" for share, width in zip(shares, (8, 10, 10, 10, 13, 15), strict=True)
                )
            )
    print("Mean Youden J: " + ", ".join(f"{demand}: {100 * np.mean(gain):.1f}" for demand, gain in gains.items()))
    print(
        "Where 1 to 10 % of the answers to test images were wrong, on the average "
        f"{np.mean(wrong_on_record):.1%}, {np.mean(wrong_in_fact):.1%} of those to pen-drawn digits are."
    )


def print_unwarned(ready: list[TrainedModel], sets: dict[str, Tensor]) -> None:
    """For each model, drawings that get neither a remark nor an unsure answer, and those of no model's."""
    print("\nNeither a remark nor an unsure answer, in %")
    print(f"{'':34}" + "".join(f"{model.title:>32}" for model in ready) + f"{'all of them':>14}")
    for name, images in sets.items():
        silent = np.array([not remarks(image) for image in images])
        sure = [
            np.array([not answers.is_unsure(model, float(p)) for p in model.probabilities(images).amax(dim=1)])
            for model in ready
        ]
        shares = [100 * float((silent & each).mean()) for each in (*sure, np.logical_and.reduce(sure))]
        print(f"{name:34}" + "".join(f"{share:32.1f}" for share in shares[:-1]) + f"{shares[-1]:14.1f}")


def print_speed(images: Tensor) -> None:
    milliseconds = []
    for image in images:
        started = time.perf_counter()
        remarks(image)
        milliseconds.append(1000 * (time.perf_counter() - started))
    print(f"\nTime for the remarks about a drawing, one thread: median {np.median(milliseconds):.2f} ms")


if __name__ == "__main__":
    main()
