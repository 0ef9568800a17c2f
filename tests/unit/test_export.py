"""Code that is taken away is run as its owner would run it, and gives the app's numbers."""

import ast
import csv
import gc
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch

from mlpcore.datasets import Dataset, data_folder, to_input
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.export import (
    PARTS,
    NotExportable,
    history_csv,
    notebook,
    onnx_bytes,
    script,
    snippet,
    steps_csv,
)
from mlpcore.export.excerpts import Library, laid_out
from mlpcore.history import EpochRecord, History
from mlpcore.models import Score, TrainedModel
from mlpcore.training import Result, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

Train = Callable[..., tuple[Trainer, Result]]

# torchvision may not import here as it would on the machine of whoever takes the code away.
RUN = """
import json, sys
from pathlib import Path
import mlpcore.torchvision_shim

for path in map(Path, sys.argv[1:]):
    names = {"__name__": "__main__"}
    for code in json.loads(path.read_text()):
        exec(compile(code, path.name, "exec"), names)
    weights = [value.tolist() for value in names["model"].state_dict().values()]
    found = {"losses": names["losses"], "test_accuracy": names["test_accuracy"], "weights": weights}
    path.write_text(json.dumps(found))
"""


def run(folder: Path, codes: Mapping[str, list[str]]) -> dict[str, Any]:
    """Runs each list of pieces of code as one program, all in a process of their own; `printed` is what they print."""
    paths = {name: folder / name for name in codes}
    for name, path in paths.items():
        path.write_text(json.dumps(codes[name]))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, *map(str, paths.values())],
        env=os.environ | {"MLPLAB_DATA": str(data_folder()), "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {name: json.loads(path.read_text()) for name, path in paths.items()} | {"printed": done.stdout}


def assert_same(found: Mapping[str, Any], trainer: Trainer, result: Result) -> None:
    assert found["losses"] == trainer.history.losses.tolist()
    assert found["weights"] == [value.tolist() for value in trainer.model.state_dict().values()]
    assert found["test_accuracy"] == result.test.accuracy


def varied(small: Callable[..., Experiment]) -> dict[str, Experiment]:
    """Few experiments that have every field at some other value than a plain one."""
    return {
        "plain": small(validation=0, epochs=1),
        "stopped early": small(
            validation=500, early_stopping=1, learning_rate=0.03, epochs=20, order="by-class", label_noise=0.5, seed=3
        ),
        "regularized": small(
            hidden=(48, 24), dropout=0.2, batch_norm=True, activation="gelu", optimizer="adamw", weight_decay=0.01,
            accumulate=3, schedule="one-cycle", augment="affine", normalize=True, label_noise=0.3, seed=7,
        ),
        "distorted": small(
            dropout=0.5, augment="elastic", batch_size=50, optimizer="nesterov", order="stored", validation=0
        ),
        "full batch": small(batch_size="full", optimizer="rmsprop", schedule="cosine", threads=2),
    }  # fmt: skip


def test_scripts_give_the_apps_losses_weights_and_accuracy_bit_for_bit(
    small: Callable[..., Experiment], train: Train, tmp_path: Path
) -> None:
    experiments = varied(small)
    found = run(tmp_path, {name: [script(experiment)] for name, experiment in experiments.items()})
    for name, experiment in experiments.items():
        trainer, result = train(experiment)
        assert_same(found[name], trainer, result)
        assert f"Test accuracy: {result.test.accuracy:.2%}" in found["printed"], name
        for record in trainer.history.epochs:
            assert f"Epoch {record.epoch}: loss {record.loss:.4f}" in found["printed"], name
    stopped = len(found["stopped early"]["losses"])
    assert stopped < experiments["stopped early"].total_steps, "early stopping must have had something to do"


def test_snippets_run_one_after_the_other_and_so_does_code_for_a_graphics_processor(
    small: Callable[..., Experiment], train: Train, tmp_path: Path
) -> None:
    tutorial = small(validation=0, epochs=1, optimizer="adagrad", accumulate=2)
    regularized = varied(small)["regularized"]
    # All that is written for a graphics processor, run on the CPU.
    moved = script(regularized.changed(device="cuda")).replace('torch.device("cuda")', 'torch.device("cpu")')
    found = run(
        tmp_path,
        {
            "tutorial": [snippet(tutorial, part) for part in PARTS],
            "regularized": [snippet(regularized, part) for part in PARTS],
            "moved": [moved],
        },
    )
    assert_same(found["tutorial"], *train(tutorial))
    assert_same(found["regularized"], *train(regularized))
    assert found["moved"] == found["regularized"]


def test_a_change_of_any_field_changes_the_script() -> None:
    base = TUTORIAL_PRESETS["two-hidden"].changed(device="cpu", train_size=1000, validation=100)
    changes: dict[str, object] = {
        "hidden": (512,), "activation": "tanh", "dropout": 0.1, "batch_norm": True, "optimizer": "adamw",
        "learning_rate": 0.002, "weight_decay": 0.1, "batch_size": "full", "accumulate": 2, "epochs": 6,
        "early_stopping": 2, "schedule": "cosine", "augment": "elastic", "dataset": "fashion-mnist",
        "normalize": True, "train_size": None, "label_noise": 0.1, "order": "stored", "validation": 0, "seed": 1,
        "device": "cuda", "threads": 2,
    }  # fmt: skip
    assert changes.keys() == base.fields().keys()
    for field, value in changes.items():
        assert script(base.changed(**{field: value})) != script(base), field


def test_a_plain_script_says_nothing_of_what_is_not_used() -> None:
    plain = script(TUTORIAL_PRESETS["two-hidden"].changed(device="cpu"))
    unused = (
        "split", "Normalize", "Dropout", "BatchNorm", "weight_decay", "schedule", "ACCUMULATE", "PATIENCE", "noise",
        "evaluate", "device", "val_", "copy", "math", "model.train()",
    )  # fmt: skip
    assert [word for word in unused if word in plain] == []
    assert "lr=0.001" in plain and "nn.Linear(784, 512)" in plain and "datasets.MNIST(" in plain


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_scripts_are_written_as_a_careful_person_would_write_them(
    small: Callable[..., Experiment], tmp_path: Path, device: str
) -> None:
    experiments = [*varied(small).values(), *TUTORIAL_PRESETS.values(), small(hidden=(), train_size=None)]
    for number, experiment in enumerate(experiments):
        (tmp_path / f"script_{number}.py").write_text(script(experiment.changed(device=device)))
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--isolated", "--no-cache", "--line-length", "120"]
    for command in (["check", "--select", "E,F,W,I,B,C4,SIM"], ["format", "--check"]):
        done = subprocess.run([*ruff, *command, *settings, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_code_needs_nothing_but_torch_and_torchvision(small: Callable[..., Experiment]) -> None:
    needed: set[str] = set()
    for experiment in varied(small).values():
        for node in ast.walk(ast.parse(script(experiment))):
            if isinstance(node, ast.Import):
                needed |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                needed.add(str(node.module).split(".")[0])
    assert needed - sys.stdlib_module_names == {"torch", "torchvision", "numpy"}
    # torchvision brings numpy along.
    assert "numpy" in importlib.metadata.requires("torchvision")  # type: ignore[operator]


def test_a_notebook_has_the_scripts_code_in_cells_with_texts_between(small: Callable[..., Experiment]) -> None:
    for experiment in varied(small).values():
        content = json.loads(notebook(experiment))
        assert content["nbformat"] == 4 and content["nbformat_minor"] == 5
        assert content["metadata"]["kernelspec"].keys() == {"display_name", "language", "name"}
        cells = content["cells"]
        assert len({cell["id"] for cell in cells}) == len(cells)
        for cell in cells:
            is_code = cell["cell_type"] == "code"
            assert cell.keys() == {"cell_type", "id", "metadata", "source"} | (
                {"execution_count", "outputs"} if is_code else set()
            )
            assert all(line.endswith("\n") for line in cell["source"][:-1]) and cell["source"][-1].strip()
        kinds = [cell["cell_type"] for cell in cells]
        assert all({before, after} == {"markdown", "code"} for before, after in pairwise(kinds))
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        heading, *body = ast.parse(script(experiment)).body
        assert isinstance(heading, ast.Expr)
        assert ast.dump(ast.parse(code)) == ast.dump(ast.Module(body, []))


def trained(train: Train, experiment: Experiment, title: str = "Mine") -> TrainedModel:
    trainer, result = train(experiment)
    return TrainedModel(title, experiment, trainer.model.eval(), Score.of(result.test))


@pytest.mark.parametrize(
    "fields",
    [
        {"normalize": True, "dropout": 0.2, "batch_norm": True, "hidden": (24, 16), "activation": "gelu"},
        {"hidden": ()},
    ],
)
def test_onnx_answers_as_pytorch_does(
    small: Callable[..., Experiment], train: Train, mnist: Dataset, fields: dict[str, object]
) -> None:
    model = trained(train, small(**fields))
    content = onnx_bytes(model)
    onnx.checker.check_model(content, full_check=True)
    session = onnxruntime.InferenceSession(content)
    for count in (1, 3, 10_000):
        images = mnist.test.images[-count:]
        (logits,) = session.run(None, {"images": to_input(images).numpy()})
        assert logits.shape == (count, 10)
        assert np.abs(logits - model.logits(images).numpy()).max() < 1e-4


def test_onnx_says_what_it_takes_and_what_made_it(small: Callable[..., Experiment], train: Train) -> None:
    model = trained(train, small())
    content = onnx_bytes(model)
    file = onnx.load_from_string(content)
    (images,), (logits,) = file.graph.input, file.graph.output
    dimensions = images.type.tensor_type.shape.dim
    assert (images.name, dimensions[0].dim_param, dimensions[1].dim_value) == ("images", "N", 28)
    assert images.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert "float32 [N, 28, 28]" in images.doc_string and "float32 [N, 10]" in logits.doc_string
    metadata = {entry.key: entry.value for entry in file.metadata_props}
    assert metadata["title"] == "Mine"
    assert Experiment.model_validate_json(metadata["experiment"]) == model.experiment
    assert Score.model_validate_json(metadata["test"]) == model.test
    assert str(Path.cwd()).encode() not in content, "where it was made is nobody's business"


@pytest.mark.parametrize("wrong", [0.001, float("nan")])
def test_onnx_that_answers_otherwise_is_not_handed_out(
    small: Callable[..., Experiment], train: Train, wrong: float
) -> None:
    model = trained(train, small())
    with (
        model.network.register_forward_hook(lambda _module, _images, logits: logits + wrong),
        pytest.raises(NotExportable, match="“Mine” was not exported"),
    ):
        onnx_bytes(model)


def test_the_model_is_as_it_was_after_the_export(small: Callable[..., Experiment], train: Train) -> None:
    model = trained(train, small(dropout=0.5))
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    chance = torch.get_rng_state()
    onnx_bytes(model)
    assert all(torch.equal(value, before[name]) for name, value in model.network.state_dict().items())
    assert not model.network.training
    assert torch.equal(torch.get_rng_state(), chance)


def test_a_training_in_another_thread_is_not_disturbed_by_exports(
    small: Callable[..., Experiment], train: Train, mnist: Dataset
) -> None:
    model, experiment = trained(train, small()), small(dropout=0.2, batch_size=4, epochs=1000)
    beside, alone = Trainer(experiment, mnist), Trainer(experiment, mnist)
    exported = threading.Event()

    def train_meanwhile() -> None:
        while not exported.is_set():
            next(beside)

    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(train_meanwhile)
        try:
            for _ in range(20):
                onnx_bytes(model)
        finally:
            exported.set()
        training.result()
    while alone.history.steps < beside.history.steps:
        next(alone)
    assert beside.history.steps and np.array_equal(beside.history.losses, alone.history.losses)


def test_tables_hold_every_number_of_a_history(small: Callable[..., Experiment], train: Train) -> None:
    trainer, _ = train(small(schedule="cosine"))
    epochs = list(csv.DictReader(history_csv(trainer.history).splitlines()))
    read = [EpochRecord(epoch=int(row.pop("epoch")), **{k: float(v) for k, v in row.items()}) for row in epochs]
    assert read == trainer.history.epochs
    steps = list(csv.DictReader(steps_csv(trainer.history).splitlines()))
    assert [int(row["step"]) for row in steps] == list(range(1, 21))
    assert np.array_equal(np.array([row["loss"] for row in steps], np.float32), trainer.history.losses)
    assert np.array_equal(np.array([row["learning_rate"] for row in steps], np.float32), trainer.history.rates)


def test_what_was_not_measured_is_left_empty(small: Callable[..., Experiment], train: Train) -> None:
    trainer, _ = train(small(validation=0, epochs=1))
    (row,) = csv.DictReader(history_csv(trainer.history).splitlines())
    assert row["val_loss"] == row["val_accuracy"] == ""
    assert steps_csv(History(trainer.experiment)) == "step,loss,learning_rate\n"


LIBRARY = '''
import math
from functools import cache, wraps

SIDE = 28  # pixels
AREA = SIDE**2
"""Pixels of an image."""
UNUSED = math.pi

@cache
def area():
    return AREA

def other():
    return UNUSED
'''


def test_an_excerpt_has_what_is_needed_and_no_more() -> None:
    library = Library.of(LIBRARY, "SIDE = 3\nfrom os import sep\n")
    definitions = library.definitions_for("print(area())")
    assert laid_out(definitions) == (
        'SIDE = 28  # pixels\nAREA = SIDE**2\n"""Pixels of an image."""\n\n\n'
        "@cache\ndef area():\n    return AREA"
    )  # fmt: skip
    assert library.imports_for(laid_out(definitions)) == "from functools import cache"
    assert library.imports_for("wraps(math.pi, sep)") == "import math\nfrom functools import wraps\nfrom os import sep"
    assert library.definitions_for("nothing()") == []


def test_several_can_ask_for_code_at_the_same_time() -> None:
    experiment = TUTORIAL_PRESETS["two-hidden"]
    alone = script(experiment)

    def let_others_go_on(phase: str, info: dict[str, int]) -> None:
        time.sleep(1e-4)

    # Whoever parses makes many small objects, and is interrupted in the middle when Python collects garbage.
    often = gc.get_threshold()
    gc.callbacks.append(let_others_go_on)
    gc.set_threshold(100)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(script, 8 * [experiment])) == 8 * [alone]
    finally:
        gc.set_threshold(*often)
        gc.callbacks.remove(let_others_go_on)
