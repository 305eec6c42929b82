"""The instance key: 32 random bytes in DATA/instance.key from which every other secret derives.

Who can read this file can unseal every secret of the platform; it has mode 0600 and never
travels. Derived values are HMAC-SHA256 over a purpose and its parts, so that no two meanings
ever share a value.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from pai.errors import SpecError

_SIZE_BYTES = 32


class InstanceKey:
    """The key of one installation."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != _SIZE_BYTES:
            raise SpecError("instance.key: not 32 bytes long", hint="restore it from a backup")
        self._raw = raw

    def __repr__(self) -> str:
        return "InstanceKey(...)"

    def derive(self, purpose: str, *parts: str) -> bytes:
        """Return 32 bytes that belong to this purpose and these parts alone."""
        message = b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (text.encode() for text in (purpose, *parts))
        )
        return hmac.new(self._raw, message, hashlib.sha256).digest()


def instance_id(key: InstanceKey) -> str:
    """Return the short id that tells this installation's containers from others'."""
    return key.derive("instance-id").hex()[:10]


def load_or_create(path: Path) -> InstanceKey:
    """Return the key in `path`; made on first use, whole or not at all, mode 0600."""
    if not path.exists():
        write_private(path, secrets.token_bytes(_SIZE_BYTES))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return InstanceKey(path.read_bytes())


def write_private(path: Path, content: bytes) -> None:
    """Put `content` at `path` with mode 0600, atomically and on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
