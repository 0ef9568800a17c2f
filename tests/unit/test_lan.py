"""The address of this computer in its network."""

from ipaddress import ip_address

import pytest

from mlpcore.lan import address_in_network, is_this_computer


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("LOCALHOST", True),
        ("192.168.1.7", False),
        ("school.example", False),
        ("localhost.example", False),
        ("127.example.org", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_very_computer(host: str, expected: bool) -> None:
    assert is_this_computer(host) == expected


def test_the_address_is_one_that_others_can_use_or_there_is_none() -> None:
    if address := address_in_network():
        assert not ip_address(address).is_loopback
        assert not ip_address(address).is_unspecified
