"""Tokens that only the server can have made."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpcore.identity import name_in, new_name, secret_key, signed

KEY = bytes(range(32))


def test_a_signed_name_comes_back() -> None:
    name = new_name()
    assert name_in(signed(name, KEY), KEY) == name
    assert new_name() != name


@given(st.text())
def test_nobody_makes_up_a_token(text: str) -> None:
    assert name_in(text, KEY) is None
    assert name_in(f"{'0' * 32}.{text}", KEY) is None


def test_another_servers_token_and_an_altered_name_are_refused() -> None:
    token = signed("a" * 32, KEY)
    assert name_in(token, b"x" * 32) is None
    assert name_in("b" + token[1:], KEY) is None


def test_the_key_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret"
    key = secret_key(file)
    assert len(key) == 32
    assert secret_key(file) == key
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_place_for_it_or_with_a_damaged_one_the_key_lasts_for_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    assert len(secret_key(in_the_way / "secret")) == 32
    damaged = tmp_path / "secret"
    damaged.write_bytes(b"short")
    assert len(secret_key(damaged)) == 32
