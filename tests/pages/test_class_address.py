"""Under which address others open the app."""

from types import SimpleNamespace

import pytest
import streamlit as st

from ui import class_address


@pytest.mark.parametrize(
    ("url", "options", "root", "works", "remark"),
    [
        ("http://localhost:8701/train?x=1", {"server.address": "localhost"}, "http://localhost:8701", False, "0.0.0.0"),
        ("http://localhost:8701/", {"server.address": "0.0.0.0"}, "http://192.168.1.7:8701", True, "192.168.1.7"),
        ("http://127.0.0.1:8701/lab/train", {}, "http://192.168.1.7:8701/lab", True, "firewall"),
        ("http://[::1]:8701/train", {"server.address": "::"}, "http://192.168.1.7:8701", True, "192.168.1.7"),
        ("http://192.168.1.9:8701/train", {"server.address": "localhost"}, "http://192.168.1.9:8701", True, ""),
        ("https://school.example/lab/train", {}, "https://school.example/lab", True, ""),
        (
            "http://localhost:8701/train",
            {"server.address": "localhost", "browser.serverAddress": "school.example"},
            "http://school.example:8701",
            True,
            "",
        ),
    ],
)
def test_a_link_has_an_address_that_others_can_open_or_says_why_not(
    monkeypatch: pytest.MonkeyPatch, url: str, options: dict[str, str], root: str, works: bool, remark: str
) -> None:
    usual = {"server.address": None, "browser.serverAddress": "localhost"}
    monkeypatch.setattr(st, "context", SimpleNamespace(url=url))
    monkeypatch.setattr(st, "get_option", (usual | options).__getitem__)
    monkeypatch.setattr(class_address, "address_in_network", lambda: "192.168.1.7")
    address = class_address.class_address()
    assert (address.root, address.works) == (root, works)
    assert remark in address.remark and bool(remark) == bool(address.remark)


def test_without_a_network_nobody_else_can_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(url="http://localhost:8701/train"))
    monkeypatch.setattr(st, "get_option", lambda name: None)
    monkeypatch.setattr(class_address, "address_in_network", lambda: None)
    assert not class_address.class_address().works
