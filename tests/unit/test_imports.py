"""Models that somebody brought in: checked before use, and their names cannot leave the folder."""

import os
import tempfile
from pathlib import Path

import pytest
import torch

from mlpcore.imports import Imported
from mlpcore.models import BUNDLED, InvalidModel, load


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    return Imported(tmp_path / "models")


def test_a_model_comes_back_as_it_was(imported: Imported) -> None:
    assert imported.ids() == []
    model_id = imported.add(BUNDLED["one-hidden"])
    assert imported.ids() == [model_id]
    ours, theirs = imported.get(model_id), load(BUNDLED["one-hidden"])
    assert ours.experiment == theirs.experiment
    for mine, original in zip(ours.network.parameters(), theirs.network.parameters(), strict=True):
        assert torch.equal(mine, original)
    imported.remove(model_id)
    assert imported.ids() == []


def test_an_upload_is_taken_as_well(imported: Imported) -> None:
    model_id = imported.add_bytes(BUNDLED["two-hidden"].read_bytes(), "theirs.safetensors")
    assert imported.get(model_id).experiment.architecture.hidden == (512, 256)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x80\x04.", b"\xff" * 100, b"{}", BUNDLED["one-hidden"].read_bytes()[:-100]]
)
def test_what_is_no_model_is_refused_and_nothing_is_kept(imported: Imported, content: bytes) -> None:
    with pytest.raises(InvalidModel) as refused:
        imported.add_bytes(content, "theirs.safetensors")
    # The file's own name, and not where its bytes lay for a moment.
    assert str(refused.value).startswith("theirs.safetensors: ")
    assert tempfile.gettempdir() not in str(refused.value)
    assert imported.ids() == []


def test_a_file_that_is_not_there_or_too_large_is_said(
    imported: Imported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidModel, match="cannot be read"):
        imported.add(tmp_path / "nothing")
    monkeypatch.setattr("mlpcore.imports.MAX_BYTES", 1000)
    with pytest.raises(InvalidModel, match=r"one-hidden\.safetensors has .* bytes"):
        imported.add(BUNDLED["one-hidden"])
    with pytest.raises(InvalidModel, match=r"theirs\.safetensors has .* bytes"):
        imported.add_bytes(bytes(1001), "theirs.safetensors")


def test_a_folder_or_a_pipe_is_no_model(imported: Imported, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InvalidModel, match="not a regular file"):
            imported.add(file)


def test_the_title_is_read_without_the_model(imported: Imported, tmp_path: Path) -> None:
    model_id = imported.add(BUNDLED["one-hidden"])
    assert imported.title(model_id) == load(BUNDLED["one-hidden"]).title
    (tmp_path / "models" / f"{model_id}.safetensors").write_bytes(b"damaged")
    assert imported.title(model_id) == "unreadable"


@pytest.mark.parametrize("name", ["../secret", "x", "", "/etc/passwd", "a" * 32 + "/..", "A" * 32])
def test_names_cannot_leave_the_folder(imported: Imported, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "secret.safetensors"
    outside.write_bytes(BUNDLED["one-hidden"].read_bytes())
    with pytest.raises(InvalidModel):
        imported.get(name)
    imported.remove(name)
    assert outside.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    with pytest.raises(InvalidModel, match="cannot be saved"):
        Imported(in_the_way / "models").add(BUNDLED["one-hidden"])
