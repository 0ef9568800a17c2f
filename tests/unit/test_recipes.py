"""The models that come with MLP Lab: how they are made, interrupted and gone on with."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mlpcore import datasets
from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.models import BUNDLED, __main__, load, recipes
from mlpcore.models.recipes import RECIPES, Recipe, checkpoint_path
from mlpcore.network import model_bytes
from mlpcore.store.files import read_state, write_state
from mlpcore.training import EpochEnd, InvalidState, Trainer
from tests.processes import heed_ctrl_c

pytestmark = pytest.mark.usefixtures("one_thread")

Small = Callable[..., Experiment]


@pytest.fixture
def recipe(small: Small) -> Recipe:
    return Recipe("A small one", small(epochs=3, augment="elastic", dropout=0.2, batch_norm=True, schedule="one-cycle"))


@pytest.fixture
def state(recipe: Recipe, mnist: Dataset) -> dict[str, Any]:
    """How far the small model is after its first epoch."""
    trainer = Trainer(recipe.experiment, mnist)
    next(event for event in trainer if isinstance(event, EpochEnd))
    return trainer.state()


@pytest.fixture
def checkpoint(tmp_path: Path, recipe: Recipe, mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the small model, under the name of `drawing`, keeps how far it is; all that is written goes elsewhere."""
    monkeypatch.setattr(datasets, "load", lambda name, tell: mnist)
    monkeypatch.setattr(recipes, "data_folder", lambda: tmp_path / "data")
    monkeypatch.setitem(RECIPES, "drawing", recipe)
    monkeypatch.setitem(BUNDLED, "drawing", tmp_path / "bundled" / "drawing.safetensors")
    return checkpoint_path("drawing")


@pytest.fixture
def expected(recipe: Recipe, train: Callable[..., tuple[Trainer, Any]]) -> dict[str, torch.Tensor]:
    """The weights that an uninterrupted training ends with."""
    return train(recipe.experiment)[0].model.state_dict()


def assert_made(expected: dict[str, torch.Tensor]) -> None:
    made = load(BUNDLED["drawing"])
    assert made.experiment == RECIPES["drawing"].experiment
    weights = made.network.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


def test_the_tutorials_models_are_made_by_its_presets() -> None:
    assert list(RECIPES) == list(BUNDLED)
    for name, experiment in TUTORIAL_PRESETS.items():
        assert RECIPES[name] == Recipe(experiment.architecture.title, experiment)


def test_the_drawing_model_is_a_small_mlp_chosen_without_the_test_images() -> None:
    experiment = RECIPES["drawing"].experiment
    assert experiment.data.dataset == "mnist"
    assert experiment.data.validation == 5000
    assert experiment.hyperparameters.augment == "elastic"
    assert model_bytes(experiment.architecture) < 5.9e6


def test_a_model_is_written_with_its_score_and_the_checkpoint_removed(
    checkpoint: Path, expected: dict[str, torch.Tensor], mnist: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main(["drawing"]) == 0
    assert_made(expected)
    made = load(BUNDLED["drawing"])
    assert made.title == "A small one"
    right = (made.logits(mnist.test.images).argmax(dim=1) == mnist.test.labels).float().mean().item()
    assert made.test.accuracy == pytest.approx(right)
    assert list(checkpoint.parent.iterdir()) == []
    said = capsys.readouterr()
    assert f"Test accuracy {right:.2%}" in said.out
    assert "Epoch 3/3: loss" in said.err
    assert "Resuming" not in said.err


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_after_ctrl_c_the_same_command_goes_on_to_the_same_model(
    epoch: int,
    checkpoint: Path,
    expected: dict[str, torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted_after(path: Path, state: dict[str, Any]) -> None:
        write_state(path, state)
        if len(state["epochs"]) == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(__main__, "write_state", interrupted_after)
        assert __main__.main(["drawing"]) == 130
    assert "the same command resumes" in capsys.readouterr().err
    assert not BUNDLED["drawing"].exists()
    assert __main__.main(["drawing"]) == 0
    assert f"after epoch {epoch}." in capsys.readouterr().err
    assert_made(expected)
    assert not checkpoint.exists()


@pytest.mark.parametrize("damage", ["other experiment", "changed byte", "cut", "empty", "text", "pickle", "list"])
def test_a_checkpoint_that_does_not_fit_is_said_and_not_used(
    damage: str,
    checkpoint: Path,
    state: dict[str, Any],
    expected: dict[str, torch.Tensor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    if damage == "other experiment":
        state["experiment"] = Experiment().model_dump_json()
    checkpoint.parent.mkdir(parents=True)
    write_state(checkpoint, {"pickle": Path("x"), "list": [1]}.get(damage, state))  # type: ignore[arg-type]
    content = bytearray(checkpoint.read_bytes())
    middle = len(content) // 2
    content[middle] ^= damage == "changed byte"
    kept = {"cut": content[:middle], "empty": b"", "text": b"a letter, quite long enough for a digest and more"}
    checkpoint.write_bytes(bytes(kept.get(damage, content)))
    assert __main__.main(["drawing"]) == 0
    said = capsys.readouterr().err
    assert f"{checkpoint} is not used, so training starts over. It is " in said
    assert "Resuming" not in said
    assert_made(expected)


def test_a_checkpoint_is_written_whole_or_not_at_all(
    tmp_path: Path, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pt"
    write_state(path, state)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_state(path, {**state, "updates": 77})
    assert path.read_bytes() == before
    write_state(path, {**state, "updates": 77})
    assert read_state(path)["updates"] == 77
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "executed"),)

    write_state(tmp_path / "x.pt", Hostile())  # type: ignore[arg-type]
    with pytest.raises(InvalidState):
        read_state(tmp_path / "x.pt")
    assert not (tmp_path / "executed").exists()


def test_an_unknown_name_is_said_before_anything_is_done(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["drawing", "drawings"]) == 2
    said = capsys.readouterr()
    assert said.err == ("'drawings' is not one of the bundled models: choose from one-hidden, two-hidden, drawing.\n")
    assert not checkpoint.parent.exists()


def test_a_folder_that_cannot_be_written_is_said(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("in the way")
    assert __main__.main(["drawing"]) == 1
    assert f"{checkpoint.parent} cannot be read or written (Not a directory)." in capsys.readouterr().err


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command itself, training a tutorial's model with its checkpoints somewhere else."""
    data = tmp_path / "data"
    data.mkdir()
    datasets.fetch("mnist")
    (data / "MNIST").symlink_to(datasets.data_folder() / "MNIST")
    command = [sys.executable, "-m", "mlpcore.models", "two-hidden"]
    environment = os.environ | {"MLPLAB_DATA": str(data)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_the_command_with_a_sentence(started: subprocess.Popen[str], tmp_path: Path) -> None:
    assert started.stderr
    for line in started.stderr:
        if "Epoch 1/5" in line:
            break
    started.send_signal(signal.SIGINT)
    last = started.stderr.read()
    assert started.wait() == 130
    assert "the same command resumes" in last
    assert "Traceback" not in last
    assert read_state(tmp_path / "data" / "checkpoints" / "two-hidden.pt")["updates"] >= 938
