"""The address of this computer in its network, under which others reach a server that it runs."""

import socket
from ipaddress import ip_address

_ELSEWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737). Nothing is sent to it: the system only says which way it would go."""


def address_in_network() -> str | None:
    """The IPv4 address of this computer in its network; None if it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if is_this_computer(address) or ip_address(address).is_unspecified else address


def is_this_computer(host: str) -> bool:
    """Whether `host`, a name or an address, means the very computer that asks, so that no other can use it."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
