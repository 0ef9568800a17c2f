"""The code beside the data: every text runs by itself, as pasted, and shows what the page shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlpcore import datasets, exploration
from mlpcore.datasets import Dataset
from mlpcore.exploration import STAGES, Stage, code
from mlpcore.torchvision_shim import torchvision

Namespace = dict[str, Any]


@pytest.fixture(autouse=True)
def beside_the_data(mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder like a reader's, with the images below `data`; whoever would download them fails."""
    (tmp_path / "data").symlink_to(datasets.data_folder(), target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [])


@pytest.fixture(autouse=True)
def printed_as_before() -> Any:
    """What `set_printoptions` changed is put back."""
    yield
    torch.set_printoptions(profile="default", sci_mode=None)


def run(text: str) -> Namespace:
    namespace: Namespace = {}
    exec(compile(text, "<snippet>", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("label", [None, 7])
def test_browsing(mnist: Dataset, label: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    namespace = run(code.browsing(train=False, index=17, label=label))
    assert namespace["label"] == mnist.test.labels[17]
    assert (np.asarray(namespace["image"]) == mnist.test.images[17].numpy()).all()
    assert "10000 images" in capsys.readouterr().out
    if label is not None:
        assert namespace["rows"].equal(exploration.rows_of_class(mnist.test, label))


@pytest.mark.parametrize("stage", STAGES)
def test_transforming(mnist: Dataset, stage: Stage) -> None:
    normalization = mnist.mean, mnist.std
    namespace = run(code.transforming(True, 7, stage, normalization, top=9, left=4, side=10))
    shown = exploration.through_torchvision(mnist.train.images[7], stage, normalization)
    assert namespace["pixels"][0].equal(shown)


def test_transforming_prints_the_square_that_the_page_shows(mnist: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    run(code.transforming(True, 7, "raw", (mnist.mean, mnist.std), top=5, left=12, side=3))
    printed = capsys.readouterr().out
    for value in mnist.train.images[7, 5:8, 12:15].flatten().tolist():
        assert str(value) in printed
    assert "torch.Size([1, 28, 28]) torch.uint8" in printed


def test_whole_set(mnist: Dataset) -> None:
    namespace = run(code.whole_set(train=False, label=8, count=8))
    torch.testing.assert_close(namespace["means"], exploration.mean_images(mnist.test))
    order = exploration.by_distance(mnist.test, 8)
    # Images at almost the same distance may change places with another way of adding up.
    distances = exploration.distances_to_mean(mnist.test)
    torch.testing.assert_close(distances[namespace["order"]], distances[order])
    assert namespace["order"][:8].equal(order[:8])


@pytest.mark.parametrize(("shuffle", "drop_last", "number"), [(True, False, 1), (True, True, 3), (False, False, 2)])
def test_loading(mnist: Dataset, shuffle: bool, drop_last: bool, number: int) -> None:
    namespace = run(code.loading(64, shuffle, drop_last, number))
    assert len(namespace["loader"]) == exploration.steps_per_epoch(60_000, 64, drop_last) == (937 if drop_last else 938)
    order, *_ = exploration.epoch_orders(60_000, shuffle)
    images, labels = exploration.load_batch(
        exploration.torchvision_dataset(mnist, True), order[64 * (number - 1) : 64 * number]
    )
    assert namespace["images"].equal(images)
    assert namespace["labels"].equal(labels)


def test_two_epochs() -> None:
    first = run(code.two_epochs(200))["first"]
    for shuffle in (False, True):
        for epoch, order in enumerate(exploration.epoch_orders(60_000, shuffle), start=1):
            assert first[shuffle, epoch].equal(order[:200])
