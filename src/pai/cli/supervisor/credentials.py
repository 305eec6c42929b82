"""Credentials made by the supervisor; they live as long as one run of the platform."""

import secrets

from pai.control.tokens import digest, new_token

__all__ = ["digest", "fresh_credential", "new_token"]


def fresh_credential() -> str:
    """Return a new credential of a role of the internal API."""
    return secrets.token_urlsafe(32)
