"""Names that only this server can have given, so that a browser can show after a reload what is its own."""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

_KEY_BYTES = 32
_TOKEN = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")


def new_name() -> str:
    """A name that nobody has and nobody guesses, 32 hexadecimal digits."""
    return secrets.token_hex(16)


def secret_key(file: Path) -> bytes:
    """The server's key, kept in `file` so that names outlast a restart; made at first use, for its owner's eyes only.

    Where the file cannot be written or read, the key lasts as long as the process.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as new:
                new.write(secrets.token_bytes(_KEY_BYTES))
        key = file.read_bytes()
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)
    return key if len(key) == _KEY_BYTES else secrets.token_bytes(_KEY_BYTES)


def signed(name: str, key: bytes) -> str:
    """The token with which a browser shows that it is `name`: the name and its HMAC-SHA256 (RFC 2104)."""
    return f"{name}.{hmac.new(key, name.encode(), hashlib.sha256).hexdigest()}"


def name_in(token: str, key: bytes) -> str | None:
    """The name in a token that `signed` made with this key; None for anything else."""
    match = _TOKEN.fullmatch(token)
    return match[1] if match and hmac.compare_digest(signed(match[1], key), token) else None
