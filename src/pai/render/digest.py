"""Digests of rendered values: equal values give equal digests in every process."""

import hashlib

import msgspec


def digest(*parts: object) -> str:
    """Return a digest of plain values; the order of a mapping's keys does not matter."""
    encoded = msgspec.json.encode(parts, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:32]
