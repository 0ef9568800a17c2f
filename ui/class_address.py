"""Under which address others open the app, and whether they can."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st

from mlpcore.lan import address_in_network, is_this_computer

_EVERYWHERE = (None, "", "0.0.0.0", "::")
"""Settings of server.address with which the server can be reached from other computers."""


@dataclass(frozen=True)
class ClassAddress:
    """Where others open the app.

    Attributes:
        root: scheme, host, port and base path, without a slash at the end.
        remark: what to know or do before others use it, in a sentence or two of Markdown; empty if nothing.
        works: whether other computers can use it, as far as the server can tell.
    """

    root: str
    remark: str = ""
    works: bool = True


def class_address() -> ClassAddress:
    """Where others open the app: as in this browser, unless that is an address for this computer alone."""
    here = urlsplit(st.context.url or "")
    path = here.path.rpartition("/")[0]
    as_here = ClassAddress(f"{here.scheme}://{here.netloc}{path}" if here.netloc else path)
    if not is_this_computer(here.hostname or ""):
        return as_here
    named = st.get_option("browser.serverAddress")
    if named and not is_this_computer(named):
        return ClassAddress(f"{here.scheme}://{_with_port(named, here.port)}{path}")
    if st.get_option("server.address") not in _EVERYWHERE:
        return ClassAddress(
            as_here.root,
            "This link works on this computer only, since the server does not listen in the network. For a class, "
            "start it with `streamlit run app.py --server.address 0.0.0.0` and make the link again.",
            works=False,
        )
    in_network = address_in_network()
    if in_network is None:
        return ClassAddress(
            as_here.root, "This link works on this computer only, since it is in no network.", works=False
        )
    return ClassAddress(
        f"{here.scheme}://{_with_port(in_network, here.port)}{path}",
        f"{in_network} is this computer's address in its network. Others can open the link if they are in the "
        "same network and no firewall is in the way.",
    )


def _with_port(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host
