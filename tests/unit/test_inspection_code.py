"""The code beside the inside of a model: every text runs by itself, as pasted, and finds what the page shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlpcore import datasets
from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.exploration import epoch_orders
from mlpcore.inspection import code
from mlpcore.inspection.ablation import evaluation_without
from mlpcore.inspection.accumulation import halves, training_loop
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.influence import linear_map
from mlpcore.inspection.layers import Model, Neuron
from mlpcore.inspection.memory import bytes_for_backward
from mlpcore.inspection.optimizer_updates import pytorch_rates, updates
from mlpcore.inspection.single_step import single_step
from mlpcore.inspection.weighted_sum import weighted_sum
from mlpcore.inspection.workbench import untrained
from mlpcore.models import BUNDLED, load, save
from mlpcore.torchvision_shim import torchvision

Namespace = dict[str, Any]


@pytest.fixture(autouse=True)
def beside_the_data(mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """A folder like a reader's, with the images below `data`; whoever would download them fails."""
    (tmp_path / "data").symlink_to(datasets.data_folder(), target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [])


@pytest.fixture(params=["two-hidden", "drawing", "untrained", "untrained with dropout and batch norm"])
def model(request: pytest.FixtureRequest, small: Callable[..., Experiment]) -> Model:
    """Models of every kind; a trained one lies beside the code as a file."""
    if request.param == "untrained":
        return untrained(TUTORIAL_PRESETS["one-hidden"])
    if request.param not in BUNDLED:
        return untrained(small(dropout=0.3, batch_norm=True, normalize=True, activation="leaky_relu", seed=5))
    found = load(BUNDLED[request.param])
    save(found, Path(code.FILE))
    return found


def run(text: str) -> Namespace:
    namespace: Namespace = {}
    # With its own random numbers, as in a notebook, and nobody else's changed.
    with torch.random.fork_rng():
        exec(compile(text, "<snippet>", "exec"), namespace)
    return namespace


def batch_of(mnist: Dataset, number: int) -> Images:
    order, *_ = epoch_orders(60_000, True)
    rows = order[64 * (number - 1) : 64 * number]
    return Images(mnist.train.images[rows], mnist.train.labels[rows])


def test_walking(model: Model, mnist: Dataset) -> None:
    namespace = run(code.walking(model, code.test_image(model, 17)))
    passed = forward_pass(model, mnist.test.images[17])
    np.testing.assert_allclose(namespace["logits"], passed.logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(namespace["probabilities"], passed.softmax.probabilities, rtol=1e-3, atol=1e-9)
    label = int(mnist.test.labels[17])
    assert namespace["loss"].item() == pytest.approx(passed.cross_entropy(label), rel=1e-3, abs=1e-6)


def test_a_drawing_travels_in_the_text(model: Model, mnist: Dataset) -> None:
    image = mnist.train.images[4]
    namespace = run(code.walking(model, code.drawn_image(model, image, 9)))
    np.testing.assert_allclose(namespace["logits"], forward_pass(model, image).logits, rtol=1e-4, atol=1e-5)
    assert namespace["label"] == 9


def test_answering(mnist: Dataset) -> None:
    models = {f"{name}.safetensors": load(path) for name, path in BUNDLED.items()}
    for file, model in models.items():
        save(model, Path(file))
    image = mnist.test.images[8]
    answers = run(code.answering(models, image))["answers"]
    assert list(answers) == list(models)
    for file, model in models.items():
        torch.testing.assert_close(answers[file], model.probabilities(image.unsqueeze(0))[0], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("layer", [0, 1])
def test_adding_up(model: Model, mnist: Dataset, layer: int) -> None:
    neuron = Neuron(layer, 4)
    namespace = run(code.adding_up(model, neuron, 8, code.test_image(model, 3)))
    image = mnist.test.images[3]
    terms = weighted_sum(model, image, neuron, 8)
    assert namespace["total"].item() == pytest.approx(terms.total, rel=1e-4, abs=1e-5)
    found = namespace["terms"][namespace["largest"]][: len(terms.terms)]
    np.testing.assert_allclose(found.abs(), np.abs(terms.terms), rtol=1e-4, atol=1e-6)
    if linear := linear_map(model, image, neuron):
        np.testing.assert_allclose(namespace["picture"][0], linear.weights, rtol=1e-3, atol=1e-6)


def test_switching_off(model: Model, mnist: Dataset) -> None:
    off = [Neuron(0, index) for index in range(0, 32, 2)]
    namespace = run(code.switching_off(model, off, every=10))
    expected = evaluation_without(model, mnist.test.images[::10], mnist.test.labels[::10], off)
    assert namespace["accuracy"] == pytest.approx(expected.accuracy, abs=0.002)


def test_with_nothing_switched_off_the_code_gives_the_whole_models_accuracy(mnist: Dataset) -> None:
    whole = load(BUNDLED["one-hidden"])
    save(whole, Path(code.FILE))
    expected = evaluation_without(whole, mnist.test.images[::5], mnist.test.labels[::5], [])
    assert run(code.switching_off(whole, [], every=5))["accuracy"] == pytest.approx(expected.accuracy, abs=0.001)


@pytest.mark.parametrize("former", [False, True])
@pytest.mark.parametrize("forget", [False, True])
def test_stepping(model: Model, mnist: Dataset, former: bool, forget: bool) -> None:
    namespace = run(code.stepping(model, 2, former, forget))
    step = single_step(model, batch_of(mnist, 2), batch_of(mnist, 1) if former else None, forget)
    # Dropout draws other masks there.
    tolerance = 0.3 if model.experiment.architecture.dropout else 1e-3
    assert namespace["loss"].item() == pytest.approx(step.loss, rel=tolerance)
    assert namespace["loss_after"].item() == pytest.approx(step.loss_after, rel=tolerance)
    norm = sum(each**2 for each in namespace["gradients"]) ** 0.5
    assert norm == pytest.approx(sum(layer.gradient**2 for layer in step.layers) ** 0.5, rel=tolerance)


def test_forgetting(mnist: Dataset) -> None:
    model = untrained(TUTORIAL_PRESETS["one-hidden"])
    namespace = run(code.forgetting(model, 3, 4))
    batches = [batch_of(mnist, number) for number in range(3, 7)]
    for name, forget in [("remembered", False), ("forgotten", True)]:
        np.testing.assert_allclose(namespace[name], training_loop(model, batches, forget).losses, rtol=1e-3)


def test_accumulating(model: Model, mnist: Dataset) -> None:
    namespace = run(code.accumulating(model, 1))
    found = halves(model, batch_of(mnist, 1))
    if model.experiment.architecture.dropout:
        assert namespace["difference"] > 0.01
        return
    assert namespace["whole"].norm().item() == pytest.approx(found.whole, rel=1e-3)
    assert namespace["difference"].item() == pytest.approx(found.difference, rel=1e-2, abs=1e-5)


def test_optimizing(mnist: Dataset) -> None:
    model = untrained(TUTORIAL_PRESETS["one-hidden"])
    namespace = run(code.optimizing(model, 1, pytorch_rates()))
    for update in updates(model, batch_of(mnist, 1), pytorch_rates()):
        norm = sum(each**2 for each in update.norms) ** 0.5
        assert namespace["updates"][update.optimizer].norm().item() == pytest.approx(norm, rel=1e-3)


def test_both_modes(model: Model) -> None:
    answers = run(code.both_modes(model, 0.5, 6, code.test_image(model, 8)))["answers"]
    assert answers[True].shape == answers[False].shape == (6, 10)
    assert answers[True].std(dim=0).max() > 0
    assert answers[False].std(dim=0).max() == 0


def test_counting_bytes(model: Model, mnist: Dataset) -> None:
    namespace = run(code.counting_bytes(model, 64))
    inputs = model.inputs(mnist.train.images[:64])
    assert namespace["without"] == 0
    # The pixels come in one tensor more or less, as [64, 1, 28, 28].
    assert namespace["with_gradient"] == pytest.approx(bytes_for_backward(model.network, inputs), rel=0.01)


def test_evaluating(model: Model, mnist: Dataset) -> None:
    expected = evaluation_without(model, mnist.test.images, mnist.test.labels, [])
    assert run(code.evaluating(model))["accuracy"] == pytest.approx(expected.accuracy, abs=0.0005)


def test_yes_or_no(capsys: pytest.CaptureFixture[str]) -> None:
    namespace = run(code.yes_or_no(3))
    labels = namespace["labels"]
    for said_yes in (namespace["yes_of_one"], namespace["yes_of_ten"]):
        assert (said_yes == (labels == 3)).double().mean() > 0.93
    assert "always no: 89.90% correct, 0.00% of the images of 3 found" in capsys.readouterr().out
