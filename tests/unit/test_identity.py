"""Tokens that only the server can have made."""

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpcore.identity import MOST_SEEDS, name_in, name_of, new_name, secret_key, seed_of, server_name, signed

KEY = bytes(range(32))


def test_a_signed_name_comes_back() -> None:
    name = new_name()
    assert name_in(signed(name, KEY), KEY) == name
    assert new_name() != name


@given(st.text())
def test_nobody_makes_up_a_token(text: str) -> None:
    assert name_in(text, KEY) is None
    assert name_in(f"{'0' * 32}.{text}", KEY) is None


def test_every_owner_has_a_seed_of_their_own() -> None:
    names = [f"{number:032x}" for number in range(1000)]
    seeds = [seed_of(name) for name in names]
    assert seeds == [seed_of(name) for name in names]
    assert min(seeds) >= 1 and max(seeds) <= MOST_SEEDS
    # Of a thousand drawn from 99,999, five pairs are equal on average.
    assert len(set(seeds)) > 980


def test_a_person_has_one_name_here_and_nobody_else_has_it() -> None:
    ann, issuer = name_of("https://a.example", "ann", KEY), "https://a.example"
    assert ann == name_of(issuer, "ann", KEY)
    assert name_in(signed(ann, KEY), KEY) == ann
    others = [(issuer, "bob", KEY), ("https://b.example", "ann", KEY), (issuer, "ann", KEY[::-1])]
    assert len({ann, *(name_of(*other) for other in others)}) == 4


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


def test_without_a_place_for_it_the_key_lasts_for_the_process(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    assert len(secret_key(in_the_way / "secret")) == 32
    assert not list(tmp_path.glob("secret*"))


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_key_is_replaced_by_one_that_lasts(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.with_name("secret.half").write_bytes(b"left by a process that died")
    key = secret_key(file)
    assert (len(key), secret_key(file), file.read_bytes()) == (32, key, key)
    assert not file.with_name("secret.half").exists()
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_servers_that_start_at_the_same_time_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: secret_key(tmp_path / "new" / "secret"), range(8)))
    assert len(keys) == 1


def test_servers_are_told_apart_by_their_keys_and_give_nothing_of_them_away() -> None:
    assert server_name(KEY) == server_name(KEY) != server_name(b"x" * 32)
    assert re.fullmatch("[0-9a-f]{8}", server_name(KEY))
    assert server_name(KEY) not in KEY.hex()
