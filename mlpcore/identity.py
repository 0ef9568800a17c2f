"""Names that only this server can have given, so that a browser can show after a reload what is its own."""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from filelock import FileLock

LOCK_SECONDS = 5.0
"""How long to wait for another server that is just making the key."""

MOST_SEEDS = 99_999
"""Short enough to be read out. Two people of the same class of thirty get the same seed in 1 of 230 classes."""

_KEY_BYTES = 32
_TOKEN = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")


def new_name() -> str:
    """A name that nobody has and nobody guesses, 32 hexadecimal digits."""
    return secrets.token_hex(16)


def name_of(issuer: str, subject: str, key: bytes) -> str:
    """The name of somebody for whom an OpenID provider vouches, 32 hexadecimal digits, the same in every browser.

    Args:
        issuer: who vouches (OpenID Connect Core 1.0, claim `iss`).
        subject: for whom; at one issuer nobody else has this (claim `sub`).
        key: the server's; without it nobody can tell the name.
    """
    person = f"{issuer}\n{subject}"
    return hmac.new(key, person.encode(), hashlib.sha256).hexdigest()[:32]


def secret_key(file: Path) -> bytes:
    """The server's key, kept in `file` so that names outlast a restart; made at first use, for its owner's eyes only.

    A file that is empty or damaged, as a full disk may leave it, is replaced: the tokens of before are lost with it.
    Where it cannot be read or written, the key lasts as long as the process.
    """
    try:
        if kept := _kept_key(file):
            return kept
        file.parent.mkdir(parents=True, exist_ok=True)
        # Two servers that start at the same time on one folder must come to the same key.
        with FileLock(file.with_name(f"{file.name}.lock"), timeout=LOCK_SECONDS):
            return _kept_key(file) or _new_key(file)
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)


def _kept_key(file: Path) -> bytes | None:
    key = file.read_bytes() if file.exists() else b""
    return key if len(key) == _KEY_BYTES else None


def _new_key(file: Path) -> bytes:
    key, half = secrets.token_bytes(_KEY_BYTES), file.with_name(f"{file.name}.half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(key)
        new.flush()
        os.fsync(new.fileno())
    half.replace(file)
    return key


def seed_of(name: str) -> int:
    """A seed for the runs of the owner of this name, 1 to 99,999: always the same, and most likely nobody else's."""
    return 1 + int.from_bytes(hashlib.sha256(f"seed\n{name}".encode()).digest()[:8]) % MOST_SEEDS


def server_name(key: bytes) -> str:
    """What tells a server from others on its host, 8 hexadecimal digits, from which nobody learns the key."""
    return hmac.new(key, b"server", hashlib.sha256).hexdigest()[:8]


def signed(name: str, key: bytes) -> str:
    """The token with which a browser shows that it is `name`: the name and its HMAC-SHA256 (RFC 2104)."""
    return f"{name}.{hmac.new(key, name.encode(), hashlib.sha256).hexdigest()}"


def name_in(token: str, key: bytes) -> str | None:
    """The name in a token that `signed` made with this key; None for anything else."""
    match = _TOKEN.fullmatch(token)
    return match[1] if match and hmac.compare_digest(signed(match[1], key), token) else None
