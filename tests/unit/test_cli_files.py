"""``export`` and ``import``: a run's files at the command line, from the run to the model brought in."""

import errno
import json
from pathlib import Path

import pytest

from mlpcore.cli import main
from mlpcore.models import load

TRAIN = ["train", "--hidden", "8", "--train-size", "500", "--validation", "100", "--epochs", "1", "--json"]


@pytest.fixture
def run_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A finished run in a folder of the test's own."""
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path / "home"))
    assert main(TRAIN) == 0
    found: str = json.loads(capsys.readouterr().out)["run_id"]
    return found


@pytest.mark.parametrize(
    ("form", "part"),
    [
        ("script", b"import torch"),
        ("notebook", b'"nbformat"'),
        ("csv", b"epoch"),
        ("onnx", b"pytorch"),
        ("safetensors", b"experiment"),
    ],
)
def test_a_run_is_exported(
    form: str, part: bytes, run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    assert main(["export", run_id[:8], "--format", form, "-o", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    content = file.read_bytes()
    assert part in content
    assert said == {"run_id": run_id, "format": form, "file": str(file), "bytes": len(content)}


def test_what_was_exported_is_imported(run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.safetensors"
    assert main(["export", run_id, "--format", "safetensors", "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["import", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["experiment"]["architecture"]["hidden"] == [8]
    assert said["test"]["accuracy"] == load(file).test.accuracy
    kept = tmp_path / "home" / "models" / f"{said['model_id']}.safetensors"
    assert load(kept).experiment == load(file).experiment


def test_a_file_that_cannot_be_replaced_stays_whole(
    run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "file"
    file.write_text("as it was")
    monkeypatch.setattr("os.fsync", full)
    assert main(["export", run_id, "--format", "csv", "-o", str(file)]) == 1
    assert "No space left" in capsys.readouterr().err
    assert file.read_text() == "as it was"


def test_mistakes_get_a_sentence(run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "nothing", "--format", "csv", "-o", str(tmp_path / "file")]) == 2
    assert "No run has an id that begins with 'nothing'" in capsys.readouterr().err
    assert main(["export", run_id, "--format", "csv", "-o", str(tmp_path / "no" / "folder")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"\x80\x04.")
    assert main(["import", str(wrong)]) == 1
    assert "wrong.safetensors" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", run_id, "--format", "pickle", "-o", str(tmp_path / "file")])
