from collections.abc import Iterator

import pytest
import torch

import mlpcore
from mlpcore.provenance import made_by


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    made_by.cache_clear()
    yield
    made_by.cache_clear()


def test_names_the_versions_and_the_processor() -> None:
    line = made_by()

    assert f"mlpcore {mlpcore.__version__}" in line
    assert f"torch {torch.__version__}" in line
    assert torch.backends.cpu.get_cpu_capability() in line
    assert "\n" not in line


def test_is_the_same_every_time() -> None:
    first = made_by()
    made_by.cache_clear()

    assert made_by() == first


def test_another_pytorch_gives_another_line(monkeypatch: pytest.MonkeyPatch) -> None:
    here = made_by()
    made_by.cache_clear()
    monkeypatch.setattr(torch, "__version__", "2.14.0")

    assert made_by() != here


def test_a_gpu_is_named_where_pytorch_can_use_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")

    assert made_by().endswith(", NVIDIA H200")


def test_a_processor_without_a_name_is_told_by_its_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    assert "riscv64" in made_by()
