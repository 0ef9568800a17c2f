import ctypes
import importlib
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mlpcore import torchvision_shim

OPERATORS = ["torchvision::nms", "torchvision::qnms"]


def test_torchvision_works_in_a_fresh_process() -> None:
    code = """
from mlpcore.torchvision_shim import torchvision
from torchvision import datasets, transforms, utils
from torchvision.transforms import v2
assert torchvision.datasets is datasets
"""
    repository = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("platform", "loads", "imported", "declared"),
    [
        pytest.param("linux", False, False, OPERATORS, id="CPU build of torch"),
        pytest.param("linux", True, False, [], id="CUDA build of torch"),
        pytest.param("linux", False, True, [], id="run again in the same process"),
        pytest.param("win32", False, False, [], id="Windows"),
        pytest.param("darwin", False, False, [], id="Mac"),
    ],
)
def test_operators_are_declared_only_where_torchvision_would_not_import(
    platform: str, loads: bool, imported: bool, declared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    libraries: list[str] = []

    def load(path: str) -> None:
        libraries.append(Path(path).name)
        if not loads:
            raise OSError("libcudart.so.13: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(torch.library, "define", lambda name, schema: names.append(name))
    monkeypatch.setattr(importlib, "import_module", lambda name: name)
    if not imported:
        monkeypatch.delitem(sys.modules, "torchvision")
    after = runpy.run_path(torchvision_shim.__file__)
    assert names == declared
    assert libraries == (["_C.so"] if platform == "linux" and not imported else [])
    assert after["torchvision"] == "torchvision"
