"""Models as files: what is saved comes back, and what is no model is refused in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.models import BUNDLED, InvalidModel, Score, TrainedModel, as_bytes, bundled, load, save
from mlpcore.models.files import FORMAT
from mlpcore.network import MLP
from mlpcore.training import Result, Trainer

Trained = Callable[..., tuple[Trainer, Result]]


@pytest.fixture
def model(small: Callable[..., Experiment], train: Trained) -> TrainedModel:
    trainer, result = train(small(batch_norm=True, dropout=0.1, normalize=True))
    return TrainedModel("A small one", trainer.experiment, trainer.model.eval(), Score.of(result.test))


@pytest.fixture
def path(model: TrainedModel, tmp_path: Path) -> Path:
    save(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_a_saved_model_comes_back_with_all_that_belongs_to_it(model: TrainedModel, path: Path, mnist: Dataset) -> None:
    again = load(path)
    images = mnist.test.images[:50]
    assert (again.title, again.experiment, again.test) == (model.title, model.experiment, model.test)
    assert torch.equal(again.logits(images), model.logits(images))
    assert not again.network.training
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing half-written is left"


def test_its_bytes_are_such_a_file(model: TrainedModel, tmp_path: Path, mnist: Dataset) -> None:
    (path := tmp_path / "bytes.safetensors").write_bytes(as_bytes(model))
    again = load(path)
    images = mnist.test.images[:50]
    assert (again.title, again.experiment, again.test) == (model.title, model.experiment, model.test)
    assert torch.equal(again.logits(images), model.logits(images))


def test_a_model_answers_as_its_experiment_prepares_the_images(model: TrainedModel, mnist: Dataset) -> None:
    images = mnist.test.images[:20]
    inputs = (images.float() / 255 - mnist.mean) / mnist.std
    assert torch.allclose(model.inputs(images), inputs)
    assert torch.allclose(model.logits(images), model.network(inputs))
    assert torch.allclose(model.probabilities(images), model.network(inputs).softmax(dim=1))
    assert not model.logits(images).requires_grad


def test_the_score_counts_every_test_image_once(train: Trained, small: Callable[..., Experiment]) -> None:
    evaluation = train(small())[1].test
    score = Score.of(evaluation)
    assert sum(entry.images for entry in score.reliability) == len(evaluation.correct)
    assert sum(entry.right for entry in score.reliability) == evaluation.correct.sum()
    for confidence, place in [(0.3, 0), (0.55, 1), (0.97, 6), (1.0, 10)]:
        assert score.at(confidence) is score.reliability[place]
    sure = evaluation.confidences > 0.999
    assert score.at(1.0).images == sure.sum()
    assert score.at(1.0).right == evaluation.correct[sure].sum()


def changed(path: Path, **metadata: str | None) -> Path:
    """The file with other metadata; None removes an entry."""
    model = load(path)
    entries = {
        "format": FORMAT,
        "title": model.title,
        "experiment": model.experiment.model_dump_json(),
        "test": model.test.model_dump_json(),
        **metadata,
    }
    save_file(load_file(path), path, {name: text for name, text in entries.items() if text is not None})
    return path


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"format": None}, "how its model was made"),
        ({"title": None}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"experiment": None}, "experiment inside is not possible"),
        ({"experiment": "{"}, "experiment inside is not possible"),
        ({"test": None}, "test score"),
        ({"test": '{"accuracy": 2}'}, "test score"),
        ({"experiment": TUTORIAL_PRESETS["one-hidden"].model_dump_json()}, "size does not fit"),
    ],
)
def test_what_is_not_right_in_a_file_is_named(path: Path, metadata: dict[str, str | None], said: str) -> None:
    with pytest.raises(InvalidModel, match=said):
        load(changed(path, **metadata))


def test_a_score_that_contradicts_itself_is_refused(path: Path, model: TrainedModel) -> None:
    score = json.loads(model.test.model_dump_json())
    more_right = [{"images": 1, "right": 2}, *score["reliability"][1:]]
    for wrong in ({"interval": score["interval"][::-1]}, {"reliability": more_right}):
        with pytest.raises(InvalidModel, match="test score"):
            load(changed(path, test=json.dumps(score | wrong)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors: tensors.pop("layers.1.bias"), "tensors are not those|size"),
        (lambda tensors: tensors.update({"layers.1.bias": torch.full((32,), torch.nan)}), "infinite or not numbers"),
        (lambda tensors: tensors.update({"layers.1.bias": torch.zeros(31)}), "tensors are not those|size"),
        (lambda tensors: tensors.update({"layers.1.weight": torch.zeros(784, 32)}), "tensors are not those"),
        (lambda tensors: tensors.update({"layers.1.weight": torch.zeros(32, 784).double()}), "float32"),
        (lambda tensors: tensors.update({"more": torch.zeros(1)}), "tensors are not those"),
        (lambda tensors: tensors.update({"more": torch.zeros(1).to(torch.float8_e4m3fn)}), "tensors are not those"),
        (lambda tensors: tensors.update({"layers.1.bias": torch.zeros(32).to(torch.float8_e4m3fn)}), "float32"),
        (lambda tensors: tensors.update({"layers.2.running_var": torch.full((32,), -1.0)}), "variances"),
        (lambda tensors: tensors.update({"more": torch.zeros(400_000)}), "size does not fit"),
        (lambda tensors: tensors.update({"layers.1.weight": torch.full((32, 784), 3e38)}), "outputs are not finite"),
    ],
)
def test_weights_that_are_not_the_architectures_are_refused(
    path: Path, model: TrainedModel, change: Callable[[dict[str, torch.Tensor]], None], said: str
) -> None:
    tensors = load_file(path)
    change(tensors)
    metadata = {
        "format": FORMAT,
        "title": model.title,
        "experiment": model.experiment.model_dump_json(),
        "test": model.test.model_dump_json(),
    }
    save_file(tensors, path, metadata)
    with pytest.raises(InvalidModel, match=said):
        load(path)


def test_files_that_are_no_models_get_a_sentence(path: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:-5])
    (tmp_path / "empty.safetensors").touch()
    for name in ("cut.safetensors", "empty.safetensors", "missing.safetensors", "."):
        with pytest.raises(InvalidModel) as caught:
            load(tmp_path / name)
        assert "model file made by MLP Lab" in str(caught.value)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_never_more_than_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "any").write_bytes(content)
    with pytest.raises(InvalidModel):
        load(tmp_path / "any")


def test_the_bundled_models_are_the_tutorials_and_one_for_drawing(mnist: Dataset) -> None:
    drawing, *tutorial = bundled()
    assert drawing.title == "Best for drawing"
    assert [model.experiment for model in tutorial] == [TUTORIAL_PRESETS["two-hidden"], TUTORIAL_PRESETS["one-hidden"]]
    assert BUNDLED["one-hidden"].stat().st_size + BUNDLED["two-hidden"].stat().st_size < 3_000_000
    assert BUNDLED["drawing"].stat().st_size < 6_000_000
    for model in (drawing, *tutorial):
        assert isinstance(model.network, MLP)
        right = (model.logits(mnist.test.images).argmax(dim=1) == mnist.test.labels).float().mean().item()
        # Another machine may round the last bits another way.
        assert right == pytest.approx(model.test.accuracy, abs=2e-4), "the score inside is the model's own"
    assert drawing.test.accuracy >= 0.992
