"""Where what is slow to make is kept, and what it is made for."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE_PYTHON = "3.11"  # Debian bookworm's
SUITE = "bookworm"


def cache() -> Path:
    """Return the directory that keeps what is slow to make; it may be removed at any time."""
    path = Path(os.environ.get("PAI_CACHE") or Path.home() / ".cache" / "pai")
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest_of(parts: Iterable[bytes]) -> str:
    """Return a short digest over length-prefixed parts."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()[:32]
