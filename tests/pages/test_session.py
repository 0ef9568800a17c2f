"""Who a browser is to a server, which a cookie tells it."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import streamlit as st

from mlpcore.experiment import Experiment
from mlpcore.identity import new_name, signed
from mlpcore.runs import Run
from ui import session


@pytest.fixture
def jar(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The cookies of a browser, which it sends to every port of a host alike."""
    jar: dict[str, str] = {}
    monkeypatch.setattr(session, "set_cookie", jar.__setitem__)
    monkeypatch.setattr(st, "context", SimpleNamespace(cookies=jar))
    return jar


def visit(key: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """Opens a tab at the server with this key, and says who one is there."""
    monkeypatch.setattr(session, "_key", lambda: key)
    monkeypatch.setattr(st, "session_state", {})
    name = session.owner()
    session.remember_browser()
    return name


@pytest.mark.usefixtures("jar")
def test_a_browser_is_known_again_also_where_two_servers_share_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = b"1" * 32, b"2" * 32
    names = [visit(key, monkeypatch) for key in (one, other)]
    assert names[0] != names[1]
    assert [visit(key, monkeypatch) for key in (one, other)] == names


def test_another_servers_token_says_nothing(jar: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = visit(b"1" * 32, monkeypatch)
    (cookie,) = jar
    jar[cookie] = signed(name, b"2" * 32)
    assert visit(b"1" * 32, monkeypatch) != name


def test_ones_own_runs_are_called_by_their_numbers_and_nobody_elses_the_same(
    monkeypatch: pytest.MonkeyPatch, small: Callable[..., Experiment]
) -> None:
    names = [new_name(), new_name()]
    runs = [Run(3, small(), name) for name in (*names, "")]
    called = []
    for name in names:
        monkeypatch.setattr(st, "session_state", {"owner": name})
        called.append([session.called(run) for run in runs])
        assert session.title_of(runs[2]) == f"Server run 3: {small().architecture.title}"
    (mine, others, servers), (mine_to_other, own, servers_to_other) = called
    assert mine == own == "Run 3"
    assert others.startswith("Run 3 of ")
    assert others == session.called_by_others(runs[1])
    assert len({mine, others, servers, mine_to_other}) == 4
    assert servers == servers_to_other == "Server run 3"
    assert not any(name[:4] in others + mine_to_other for name in names)
    runs[0].name = "Best"
    assert session.title_of(runs[0]) == "Best"
