"""The command line: what goes to which stream, with which exit code, and that no input ends in a traceback."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlpcore import datasets, models
from mlpcore.cli import main
from mlpcore.datasets import DataUnavailable
from mlpcore.evaluation import judge
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment, experiment_from_fields, experiment_from_json
from mlpcore.models import Score, TrainedModel, load, save
from mlpcore.network import MLP
from mlpcore.pen import drawn
from mlpcore.store import Recorder, Store
from mlpcore.training import Event, Trainer
from mlpcore.unipen import read
from tests.processes import heed_ctrl_c

SMALL = ["--train-size", "2000", "--validation", "500", "--epochs", "2", "--hidden", "32", "--json"]
TINY = ["--train-size", "128", "--validation", "100", "--epochs", "1", "--hidden", "8", "--json"]
ENDLESS = ["--train-size", "20000", "--epochs", "1000", "--json"]

Ran = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], one_thread: None) -> Callable[..., Ran]:
    """Runs a command in this process: exit code, standard output, standard error."""

    def run(*argv: object) -> Ran:
        capsys.readouterr()
        try:
            code: Any = main([str(word) for word in argv])
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def endless() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a training in a process of its own, and returns once it has begun to show its progress."""
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([*PROGRAM, "train", *ENDLESS, *options], **PIPES)
        started.append(process)
        assert process.stderr
        assert process.stderr.read(6) == "\nEpoch"  # the bar begins with a carriage return
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


PROGRAM = [sys.executable, "-m", "mlpcore"]
PIPES: dict[str, Any] = {
    "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": heed_ctrl_c,
}  # fmt: skip


def strict(text: str) -> Any:
    """`text` as JSON that any reader takes."""

    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def without_seconds_and_id(report: dict[str, Any]) -> dict[str, Any]:
    epochs = [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in report["epochs"]]
    return {**report, "epochs": epochs, "train_seconds": None, "run_id": None}


def test_train_prints_one_json_object_and_its_experiment_gives_the_same_again(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = subprocess.run([*PROGRAM, "train", *SMALL], **PIPES)
    assert ran.returncode == 0, ran.stderr
    report = strict(ran.stdout)
    assert list(report) == [
        "run_id",
        "experiment",
        "parameters",
        "epochs",
        "weights_of_epoch",
        "train_seconds",
        "train_accuracy",
        "test",
    ]
    assert report["parameters"] == 784 * 32 + 32 + 32 * 10 + 10
    figures = ["epoch", "loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"]
    assert [list(epoch) for epoch in report["epochs"]] == [figures, figures]
    assert [epoch["epoch"] for epoch in report["epochs"]] == [1, 2]
    assert report["epochs"][0]["loss"] > report["epochs"][1]["loss"]
    assert list(report["test"]) == ["loss", "accuracy", "interval"]
    low, high = report["test"]["interval"]
    assert 0.5 < low < report["test"]["accuracy"] < high < 1
    assert "Done: 100%" in ran.stderr and "images/s" in ran.stderr and "loss" in ran.stderr
    assert ran.stderr.count("\r") < 5  # standard error was a log here

    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(report["experiment"]))
    code, again, _ = run("train", "--experiment", file, "--json")
    assert code == 0
    assert without_seconds_and_id(strict(again)) == without_seconds_and_id(report)


def test_a_killed_training_is_listed_and_resumed_to_the_result_it_would_have_had(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path))
    options = [*SMALL[:4], "--epochs", "2", "--hidden", "32", "--dropout", "0.2", "--accumulate", "3", "--json"]
    report = strict(run("train", *options)[1])
    assert run("runs")[1].startswith(report["run_id"][:8])
    # An interrupted run: as it is on the disk after some steps, and nobody holds it.
    experiment = experiment_from_json(json.dumps(report["experiment"]))
    store = Store()
    recorder = store.create(experiment)
    trainer = Trainer(experiment, datasets.load("mnist"))
    while trainer.steps < 38:
        next(trainer)
    recorder.save(trainer)
    assert [each["status"] for each in strict(run("runs", "--json")[1])] == ["training", "finished"]
    recorder.release()
    assert [each["status"] for each in strict(run("runs", "--json")[1])] == ["interrupted", "finished"]

    code, out, err = run("resume", recorder.id[:12], "--json")
    assert code == 0, err
    assert "after step 38" in err
    resumed = strict(out)
    assert resumed["run_id"] == recorder.id
    assert without_seconds_and_id(resumed) == without_seconds_and_id(report)
    newest, oldest = strict(run("runs", "--json")[1])
    assert (newest["run_id"], newest["status"], newest["title"]) == (
        recorder.id, "finished", "Run 2: One hidden layer (32)",
    )  # fmt: skip
    assert newest["experiment"] == oldest["experiment"] == report["experiment"]
    assert newest["test"] == oldest["test"] == report["test"]
    one, other = (store.model(each) for each in (recorder.id, report["run_id"]))
    assert all(torch.equal(*both) for both in zip(one.parameters(), other.parameters(), strict=True))

    other_digit = "0" if recorder.id[-1] != "0" else "1"
    monkeypatch.setattr("mlpcore.store.store.uuid.uuid4", lambda: uuid.UUID(recorder.id[:-1] + other_digit))
    store.create(experiment).release()
    for wanted, code, part in [
        (recorder.id[:20], 2, "2 runs have an id that begins with"),
        (recorder.id, 1, "This run is finished"),
        ("no such id", 2, "No run has an id that begins with 'no such id'"),
        ("", 2, "No run has an id"),
    ]:
        ended, out, err = run("resume", wanted)
        assert (ended, out) == (code, "")
        assert part in err
    store.close()


def test_without_a_place_for_it_a_training_goes_on_and_says_so(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path / "file"))
    code, out, err = run("train", *TINY)
    assert code == 0
    assert strict(out)["run_id"] is None
    assert "will not be saved" in err and str(tmp_path / "file") in err
    for words in (["runs"], ["resume", "abc"]):
        code, out, err = run(*words)
        assert (code, out) == (1, "")
        assert str(tmp_path / "file") in err


def test_the_disk_may_fill_up_while_training(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mlpcore.store.files.os.fsync", no_room)
    code, out, err = run("train", *TINY)
    assert code == 0
    assert 0 < strict(out)["test"]["accuracy"] < 1
    assert "could not be saved. The disk of " in err and "is full" in err


def test_ctrl_c_stops_after_a_step_and_evaluates_what_was_reached(
    endless: Callable[..., subprocess.Popen[str]],
) -> None:
    process = endless("--hidden", "16")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    report = strict(out)
    assert report["experiment"]["hyperparameters"]["epochs"] == 1000
    assert len(report["epochs"]) < 1000
    assert 0 < report["test"]["accuracy"] < 1
    assert "Stopped after step " in err and " of 313,000 (epoch " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 10), (7, 14)])
def test_a_system_that_shuts_down_interrupts_a_run_which_can_be_resumed(
    run: Callable[..., Ran], accumulate: int, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path))
    on_event = Recorder.on_event

    def signaled(recorder: Recorder, event: Event, trainer: Trainer) -> None:
        on_event(recorder, event, trainer)
        if trainer.steps == 10:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Recorder, "on_event", signaled)
    code, out, err = run("train", *ENDLESS, "--hidden", 16, "--accumulate", accumulate)
    assert (code, out) == (143, "")
    said = re.search(r"after step ([\d,]+)\..*`python -m mlpcore resume (\w+)`", err)
    assert said
    # Within a group of batches nothing can be saved, so it goes on to the end of that.
    assert int(said[1]) == steps
    (kept,) = strict(run("runs", "--json")[1])
    assert (kept["run_id"], kept["status"]) == (said[2], "interrupted")
    state = Store().state(said[2])
    assert state and len(state["losses"]) == steps


def test_a_second_ctrl_c_ends_at_once(endless: Callable[..., subprocess.Popen[str]]) -> None:
    process = endless("--hidden", "2048,2048")
    process.send_signal(signal.SIGINT)
    assert process.stderr
    while "Stopping" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)  # the second may be that, too
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (130, "")
    # Before it stands the bar, or nothing if the signals came before there was one.
    assert err.splitlines()[-1] == "Stopped at once, without a result." and "Traceback" not in err


def test_help_and_mistakes_do_not_wait_for_pytorch() -> None:
    for words, code in [([], 0), (["train", "--help"], 0), (["train", "--epochs", "many"], 2)]:
        ran = subprocess.run([sys.executable, "-X", "importtime", "-m", "mlpcore", *words], **PIPES)
        assert ran.returncode == code
        assert "pydantic" in ran.stderr and "torch" not in ran.stderr


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(PROGRAM, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_help_names_every_option(run: Callable[..., Ran]) -> None:
    code, out, err = run("train", "--help")
    assert (code, err) == (0, "")
    for field in Experiment().fields():
        option = "--lr" if field == "learning_rate" else f"--{field.replace('_', '-')}"
        assert f"\n  {option}" in out
    assert "whole numbers from 1 to 1,000; default: 5" in " ".join(out.split())


def test_without_json_a_summary_is_printed(run: Callable[..., Ran]) -> None:
    code, out, _ = run("train", *SMALL[:-1])
    first, second, last = out.splitlines()
    assert code == 0
    assert first.startswith("Epoch 1/2: loss ") and "validation" in first
    assert second.startswith("Epoch 2/2: loss ")
    for part in ["Test accuracy ", "95% interval ", "training accuracy ", "gap "]:
        assert part in last


def test_every_option_reaches_the_experiment_and_overrides_preset_and_file(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    options = (
        "--dataset mnist --hidden 16,8 --activation leaky_relu --dropout 0.1 --batch-norm --optimizer nesterov "
        "--lr 0.01 --weight-decay 0.001 --batch-size 32 --accumulate 2 --epochs 1 --schedule one-cycle "
        "--augment affine --normalize --train-size 128 --label-noise 0.2 --order by-class --validation 100 "
        "--seed 7 --device cpu --threads 2 --json"
    )
    expected = experiment_from_fields(
        {
            "dataset": "mnist", "hidden": (16, 8), "activation": "leaky_relu", "dropout": 0.1, "batch_norm": True,
            "optimizer": "nesterov", "learning_rate": 0.01, "weight_decay": 0.001, "batch_size": 32, "accumulate": 2,
            "epochs": 1, "schedule": "one-cycle", "augment": "affine", "normalize": True, "train_size": 128,
            "label_noise": 0.2, "order": "by-class", "validation": 100, "seed": 7, "device": "cpu", "threads": 2,
        }
    )  # fmt: skip
    for start in ([], ["--preset", "two-hidden"]):
        code, out, err = run("train", *start, *options.split())
        assert code == 0, err
        assert strict(out)["experiment"] == expected.model_dump(mode="json")

    file = tmp_path / "experiment.json"
    file.write_text("\ufeff" + expected.model_dump_json())  # with the mark that Windows puts in front
    back = "--hidden none --no-batch-norm --no-normalize --dropout 0 --batch-size full --accumulate 1 --json"
    code, out, err = run("train", "--experiment", file, *back.split())
    assert code == 0, err
    assert strict(out)["experiment"] == expected.changed(
        hidden=(), batch_norm=False, normalize=False, dropout=0.0, batch_size="full", accumulate=1
    ).model_dump(mode="json")


@pytest.mark.parametrize("preset", TUTORIAL_PRESETS)
def test_a_preset_has_no_validation(preset: str, run: Callable[..., Ran]) -> None:
    code, out, _ = run("train", "--preset", preset, "--train-size", 128, "--epochs", 1, "--json")
    report = strict(out)
    assert code == 0
    assert report["experiment"] == TUTORIAL_PRESETS[preset].changed(train_size=128, epochs=1).model_dump(mode="json")
    assert report["epochs"][0]["val_loss"] is None and report["epochs"][0]["val_accuracy"] is None


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("train --lr abc", ["--lr: ", "'abc'", "at most 100"]),
        ("train --lr 0", ["--lr: ", "more than 0"]),
        ("train --lr nan", ["--lr: ", "nan"]),
        ("train --lr", ["--lr: ", "argument"]),
        ("train --epochs 1.5", ["--epochs: ", "'1.5'", "1 to 1,000"]),
        ("train --epochs -1", ["--epochs: ", "1 to 1,000"]),
        ("train --hidden 512,x", ["--hidden: ", "'x'", "1 to 4,096"]),
        ("train --hidden 1,1,1,1,1,1,1,1,1", ["--hidden: ", "0 to 8"]),
        ("train --activation swish", ["--activation: ", "'swish'", "silu"]),
        ("train --optimizer lion", ["--optimizer: ", "'lion'", "adamw"]),
        ("train --dropout 1", ["--dropout: ", "0 to 0.95"]),
        ("train --hidden none --dropout 0.5", ["--dropout: ", "hidden layer"]),
        ("train --train-size 65 --batch-norm", ["--batch-norm: ", "batch of one"]),
        ("train --train-size 60000", ["--train-size: ", "55,000"]),
        ("train --batch-size half", ["--batch-size: ", "'half'", "full"]),
        ("train --label-noise 30%", ["--label-noise: ", "'30%'", "0 to 1"]),
        ("train --dataset cifar", ["--dataset: ", "'cifar'", "fashion-mnist"]),
        ("train --lr 0 --epochs 0", ["--lr: ", "--epochs: "]),
        ("train --device mps", ["--device: ", "not available"]),
        ("train --preset three-hidden", ["--preset: ", "'three-hidden'", "two-hidden"]),
        ("train --preset one-hidden --experiment x.json", ["--experiment: ", "--preset"]),
        ("train --experiment nowhere.json", ["--experiment: nowhere.json: ", "No such file"]),
        ("train --epoch 3", ["--epoch"]),
        ("train mnist", ["mnist"]),
        ("data --dataset cifar", ["--dataset: ", "'cifar'", "fashion-mnist"]),
        ("play", ["'play'", "train", "data"]),
    ],
)
def test_bad_input_is_refused_in_one_line(words: str, parts: list[str], run: Callable[..., Ran]) -> None:
    refused(run(*words.split()), *parts)


def refused(ran: Ran, *parts: str) -> None:
    code, out, err = ran
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.endswith("\n")
    for part in parts:
        assert part in err


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b" " * 1_000_001, "1,000,000 bytes"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "JSON object"),
        (b'{"seed": -1, "colour": "red"}', "'colour' is not a field"),
        (b'{"seed": 1e999}', "Seed inf"),
        (b'{"hyperparameters": {"learning_rate": NaN}}', "Learning rate nan"),
        (b'{"architecture": {"hidden": [0]}}', "1 to 4,096"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(
    content: bytes, part: str, run: Callable[..., Ran], tmp_path: Path
) -> None:
    file = tmp_path / "experiment.json"
    file.write_bytes(content)
    refused(run("train", "--experiment", file), f"--experiment: {file}: ", part)
    refused(run("train", "--experiment", tmp_path), f"--experiment: {tmp_path}: ", "cannot be read")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from([*Experiment().fields()]), inner),
)
GROUPS = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(st.sampled_from([*fields]), VALUES) if isinstance(fields, dict) else VALUES
        for name, fields in Experiment().model_dump(mode="json").items()
    },
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | (VALUES | GROUPS).map(lambda value: json.dumps(value).encode()))
def test_any_file_is_taken_or_refused_in_one_line(run: Callable[..., Ran], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "experiment.json"
    file.write_bytes(content)
    refused(run("train", "--experiment", file, "--device", "abacus"))  # so that nothing is trained


def test_divergence_is_said_in_a_sentence(run: Callable[..., Ran]) -> None:
    code, out, err = run("train", *SMALL, "--optimizer", "rmsprop", "--lr", "100", "--hidden", ",".join(["64"] * 8))
    assert (code, out) == (1, "")
    assert "The loss became " in err and "learning rate" in err


def test_divergence_in_the_last_update_is_noticed_too(run: Callable[..., Ran]) -> None:
    deep = ["--hidden", ",".join(["256"] * 8), "--optimizer", "rmsprop", "--lr", "100", "--batch-size", "full"]
    code, out, err = run("train", *TINY, *deep)
    assert (code, out) == (1, "")
    assert "The loss became " in err


@pytest.mark.parametrize("command", ["train", "data"])
def test_data_that_cannot_be_had_is_said_as_datasets_says_it(
    command: str, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str, progress: Callable[[float, str], None]) -> NoReturn:
        progress(0.5, "Downloading MNIST: its images")
        raise DataUnavailable("MNIST cannot be had.")

    monkeypatch.setattr(datasets, "load", fail)
    monkeypatch.setattr(datasets, "fetch", fail)
    monkeypatch.setattr(datasets, "is_on_disk", lambda name: False)
    code, out, err = run(command)
    assert (code, out) == (1, "")
    assert "Downloading MNIST: its images" in err
    assert err.endswith("\nMNIST cannot be had.\n")


def test_data_says_where_it_lies(run: Callable[..., Ran]) -> None:
    code, out, err = run("data")
    assert (code, err) == (0, "")
    assert str(datasets.raw_folder("mnist")) in out and "digests are right" in out


PEN_DIGITS = """.SEGMENT DIGIT 0 ? "1"
.COMMENT 1 12 224
.PEN_DOWN
 200 400
 200 100
.PEN_UP
.SEGMENT DIGIT 1 ? "7"
.COMMENT 7 3 225
.PEN_DOWN
 100 400
 300 400
 200 100
.PEN_UP
.SEGMENT DIGIT 2-3 ? "4"
.COMMENT 4 12 226
.PEN_DOWN
 100 400
 100 250
 300 250
.PEN_UP
.PEN_DOWN
 250 400
 250 100
.PEN_UP
"""


@pytest.fixture
def pen_digits(tmp_path: Path) -> Path:
    file = tmp_path / "digits.unp"
    file.write_text(PEN_DIGITS)
    return file


@pytest.fixture
def model_file(tmp_path: Path, small: Callable[..., Experiment]) -> Path:
    """A model that was never trained."""
    experiment = small(hidden=(8,))
    generator = torch.Generator().manual_seed(0)
    network = MLP(experiment.architecture, generator, generator).eval()
    test = Score.of(judge(torch.rand(20, 10, generator=generator), torch.arange(20) % 10))
    save(TrainedModel("Untrained", experiment, network, test), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_pen_prints_one_json_object(run: Callable[..., Ran], pen_digits: Path, model_file: Path) -> None:
    code, out, err = run("pen", pen_digits, "--model", model_file, "--json")
    assert code == 0, err
    assert "Drawing: 100%" in err and "3/3" in err
    report = strict(out)
    assert list(report) == ["models"]
    (scored,) = report["models"]
    assert list(scored) == ["model", "n", "accuracy", "interval", "per_digit", "per_writer", "confusion"]
    assert (scored["model"], scored["n"]) == (str(model_file), 3)
    low, high = scored["interval"]
    assert 0 <= low <= scored["accuracy"] <= high <= 1
    assert list(scored["per_digit"]) == ["1", "4", "7"] and list(scored["per_writer"]) == ["12", "3"]
    # What the model says of the drawings themselves.
    digits = drawn(read(pen_digits))
    said = load(model_file).logits(digits.images).argmax(dim=1).tolist()
    cells = [
        (true, cell) for true, row in enumerate(scored["confusion"]) for cell, n in enumerate(row) for _ in range(n)
    ]
    assert cells == sorted(zip([1, 7, 4], said, strict=True))
    assert scored["accuracy"] == sum(true == cell for true, cell in cells) / 3


def test_pen_takes_models_by_path_and_by_name_and_all_bundled_ones_without_any(
    run: Callable[..., Ran], pen_digits: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "BUNDLED", dict.fromkeys(models.BUNDLED, model_file))
    path = str(model_file)
    for words, names in [
        ([], ["one-hidden", "two-hidden", "drawing"]),
        (["--model", "drawing"], ["drawing"]),
        (["--model", "two-hidden", path, "--model", "drawing"], ["two-hidden", path, "drawing"]),
    ]:
        code, out, err = run("pen", pen_digits, *words, "--json")
        assert code == 0, err
        assert [scored["model"] for scored in strict(out)["models"]] == names


def test_pen_prints_a_table_without_json(run: Callable[..., Ran], pen_digits: Path, model_file: Path) -> None:
    code, out, _ = run("pen", pen_digits, "--model", model_file)
    title, head, line = out.splitlines()
    scored = strict(run("pen", pen_digits, "--model", model_file, "--json")[1])["models"][0]
    assert code == 0
    assert title.startswith("3 digits by 2 writers")
    assert head.split() == ["model", "all", "95%", "interval", "1", "4", "7"]
    name, share, low, to, high, *per_digit = line.split()
    assert (name, to) == (str(model_file), "to")
    figures = [scored["accuracy"], *scored["interval"], *scored["per_digit"].values()]
    assert [share, low, high, *per_digit] == [f"{100 * figure:.2f}" for figure in figures]


def test_pen_says_what_is_missing_in_a_file(run: Callable[..., Ran], pen_digits: Path, model_file: Path) -> None:
    text = PEN_DIGITS + '.SEGMENT DIGIT 4 ? "8"\n'
    pen_digits.write_text(text)
    code, _, err = run("pen", pen_digits, "--model", model_file)
    assert code == 0 and "1 of 4 digits have no ink and are left out." in err

    pen_digits.write_text("".join(line for line in PEN_DIGITS.splitlines(keepends=True) if "COMMENT" not in line))
    code, out, err = run("pen", pen_digits, "--model", model_file)
    assert code == 0 and "3 digits have no writer" in err
    assert "3 digits by 1 writer;" in out and " none " in out and "There is no interval" in out
    report = strict(run("pen", pen_digits, "--model", model_file, "--json")[1])
    assert report["models"][0]["interval"] is None and list(report["models"][0]["per_writer"]) == ["unknown"]


def test_pen_refuses_what_it_cannot_read_in_one_line(
    run: Callable[..., Ran], pen_digits: Path, model_file: Path, tmp_path: Path
) -> None:
    refused(run("pen", pen_digits, "--model", "three-hidden"), "three-hidden", "one-hidden, two-hidden, drawing")
    refused(run("pen", pen_digits, "--model", model_file, pen_digits), str(pen_digits), "safetensors")
    refused(run("pen", pen_digits, "--model"), "--model: ", "argument")
    refused(run("pen"), "FILE")
    refused(run("pen", tmp_path), f"{tmp_path}: ", "cannot be read")
    refused(run("pen", tmp_path / "nothing"), "cannot be read", "No such file")
    pen_digits.write_text(PEN_DIGITS.replace("300 400", "300"))
    refused(run("pen", pen_digits), f"{pen_digits}: line 11: ")


def test_pen_does_not_wait_for_pytorch_to_refuse_a_file(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-X", "importtime", "-m", "mlpcore", "pen", str(tmp_path)], **PIPES)
    assert ran.returncode == 2
    assert "mlpcore.unipen" in ran.stderr and "torch" not in ran.stderr


def test_ctrl_c_ends_pen_at_once(model_file: Path, pen_digits: Path) -> None:
    pen_digits.write_text(PEN_DIGITS * 5_000)
    process = subprocess.Popen([*PROGRAM, "pen", str(pen_digits), "--model", str(model_file)], **PIPES)
    assert process.stderr and process.stderr.read(8) == "\nDrawing"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "Stopped at once, without a result." and "Traceback" not in err


FAST = ["--train-size", "300", "--batch-size", "30", "--lr", "0.01", "--epochs", "1", "--device", "cpu"]


def test_compare_prints_one_json_object(run: Callable[..., Ran]) -> None:
    code, out, err = run("compare", "--architectures", "none; 16;16,8", "--seeds", 2, *FAST, "--json")
    assert code == 0, err
    assert "6/6 runs done: 100%" in err
    report = strict(out)
    assert list(report) == ["experiments", "tests", "verdict"]
    assert [each["hidden"] for each in report["experiments"]] == [[], [16], [16, 8]]
    assert [each["parameters"] for each in report["experiments"]] == [7850, 12_730, 12_786]
    for each in report["experiments"]:
        assert list(each) == ["hidden", "parameters", "runs", "mean", "interval"]
        assert [list(one) for one in each["runs"]] == [["seed", "test_accuracy", "train_seconds"]] * 2
        assert [one["seed"] for one in each["runs"]] == [0, 1]
        shares = [one["test_accuracy"] for one in each["runs"]]
        assert each["mean"] == pytest.approx(sum(shares) / 2)
        low, high = each["interval"]
        assert 0 <= low <= min(shares) < max(shares) <= high <= 1
    assert [test["hidden"] for test in report["tests"]] == [[[], [16]], [[], [16, 8]], [[16], [16, 8]]]
    for test in report["tests"]:
        assert (test["seeds"], test["planned_seeds"]) == (2, 2)
        assert 0 <= test["architectures"]["p_value"] <= test["architectures"]["p_value_holm"] <= 1
        models = test["trained_models"]
        counted = ("both_right", "only_first_right", "only_second_right", "nobody_right")
        assert models["seed"] == 0 and sum(models[name] for name in counted) == 10_000
    assert "These architectures: over 2 seeds" in report["verdict"]


def test_runs_of_a_comparison_are_those_of_train(run: Callable[..., Ran]) -> None:
    options = [*FAST, "--validation", "100", "--optimizer", "momentum", "--json"]
    code, out, err = run("compare", "--architectures", "8;16,8", "--seeds", 2, *options)
    assert code == 0, err
    for each in strict(out)["experiments"]:
        for one in each["runs"]:
            hidden = ",".join(map(str, each["hidden"]))
            alone = strict(run("train", "--hidden", hidden, "--seed", one["seed"], *options)[1])
            assert one["test_accuracy"] == alone["test"]["accuracy"]
            assert each["parameters"] == alone["parameters"]


def test_compare_with_one_seed_has_no_interval(run: Callable[..., Ran]) -> None:
    code, out, err = run("compare", "--architectures", "4;32", "--seeds", 1, *FAST, "--json")
    assert code == 0, err
    report = strict(out)
    assert [each["interval"] for each in report["experiments"]] == [None, None]
    (test,) = report["tests"]
    assert test["architectures"] is None and test["trained_models"]["p_value"] < 1
    assert "nothing can be concluded yet" in report["verdict"]


def test_compare_prints_a_table_and_the_verdict_without_json(run: Callable[..., Ran]) -> None:
    code, out, _ = run("compare", "--architectures", "none;32", "--seeds", 2, *FAST)
    head, linear, one, empty, *sentences = out.splitlines()
    assert code == 0 and empty == ""
    assert head.split()[:2] == ["model", "parameters"]
    assert linear.startswith("Linear softmax classifier ") and " 7,850 " in linear
    assert one.startswith("One hidden layer (32) ") and " 25,450 " in one
    assert len({len(line) for line in (head, linear, one)}) == 1
    beginnings = [
        "These trained models (seed 0): ",
        "These architectures: ",
        "What 2 seeds can show, roughly estimated from so few: ",
    ]
    assert len(sentences) == 3
    assert all(sentence.startswith(words) for sentence, words in zip(sentences, beginnings, strict=True))


def test_compares_defaults_are_the_tutorials_models(run: Callable[..., Ran]) -> None:
    code, out, err = run("compare", "--help")
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert "(default: 256;512,256)" in words and "(whole numbers from 1 to 50; default: 5)" in words
    assert "(whole numbers from 0 to 59,999; default: 0)" in words
    assert "--hidden" not in words and "--seed " not in words


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("--architectures 256", ["--architectures: ", "1 model is not possible", "2 to 6"]),
        ("--architectures 1;2;3;4;5;6;7", ["--architectures: ", "7 models are not possible"]),
        ("--architectures 256;256", ["--architectures: ", "One hidden layer (256) appears twice"]),
        ("--architectures 256;", ["--architectures: ", "''", "1 to 4,096"]),
        ("--architectures 256;x", ["--architectures: ", "'x'"]),
        ("--seeds 0", ["--seeds: ", "1 to 50"]),
        ("--seeds 51", ["--seeds: ", "1 to 50"]),
        ("--seeds 2.5", ["--seeds: ", "'2.5'"]),
        ("--seeds", ["--seeds: ", "argument"]),
        ("--epochs 0", ["--epochs: ", "1 to 1,000"]),
        ("--architectures none;256 --dropout 0.5", ["--dropout: ", "hidden layer"]),
        ("--device mps", ["--device: ", "not available"]),
        ("--hidden 3", ["--hidden"]),
        ("--seed 3", ["--seed"]),
    ],
)
def test_compare_refuses_bad_input_in_one_line(words: str, parts: list[str], run: Callable[..., Ran]) -> None:
    refused(run("compare", *words.split()), *parts)


def test_compare_does_not_wait_for_pytorch_to_refuse_a_plan() -> None:
    words = ["compare", "--architectures", "256;256"]
    ran = subprocess.run([sys.executable, "-X", "importtime", "-m", "mlpcore", *words], **PIPES)
    assert ran.returncode == 2
    assert "mlpcore.comparison.plan" in ran.stderr and "torch" not in ran.stderr


def test_a_run_that_fails_ends_the_comparison_and_what_is_finished_stays(run: Callable[..., Ran]) -> None:
    deep = ",".join(["64"] * 8)
    options = ["--train-size", "640", "--optimizer", "rmsprop", "--lr", "100", "--device", "cpu"]
    code, out, err = run("compare", "--architectures", f"none;{deep}", "--seeds", 1, *options, "--json")
    assert code == 1
    assert "Eight hidden layers (64, 64, 64, 64, 64, 64, 64, 64), seed 0: The loss became " in err
    assert " of 2 runs are finished." in err
    report = strict(out)
    assert report["experiments"][1] == {
        "hidden": [64] * 8, "parameters": report["experiments"][1]["parameters"], "runs": [], "mean": None,
        "interval": None,
    }  # fmt: skip
    assert report["tests"][0]["trained_models"] is None and "nothing can be concluded yet" in report["verdict"]


def test_ctrl_c_ends_a_comparison_and_says_what_was_reached() -> None:
    words = ["--architectures", "8;16", "--seeds", "50", "--epochs", "50", "--train-size", "5000", "--json"]
    process = subprocess.Popen([*PROGRAM, "compare", *words], **PIPES)
    assert process.stderr and process.stderr.read(9) == "\nTraining"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert " of 100 runs are finished." in err and "Traceback" not in err
    report = strict(out)
    assert len(report["experiments"]) == 2
    assert report["tests"][0]["planned_seeds"] == 50 and report["tests"][0]["seeds"] < 50
    assert "cut short: " in report["verdict"] and "50 planned seeds" in report["verdict"]
