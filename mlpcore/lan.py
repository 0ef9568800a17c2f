"""The address of this computer in its network, under which others reach a server that it runs."""

import socket

_ELSEWHERE = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737). Nothing is sent to it; the system only says by which way it would go."""

_LOOPBACK = ("localhost", "127.", "::1")


def address_in_network() -> str | None:
    """The IPv4 address of this computer in its network; None where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if is_this_computer(address) or address == "0.0.0.0" else address


def is_this_computer(host: str) -> bool:
    """Whether `host` means the very computer that asks, so that nobody else can use it."""
    return host.strip("[]").lower().startswith(_LOOPBACK)
