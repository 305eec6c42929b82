"""Errors, sorted by who can act on them.

`SpecError`: the author of a document or a command must act; never retried.
`TransientError`: something outside is out of reach; retried with backoff.
Anything else that is raised is a bug.
"""

from collections.abc import Sequence
from difflib import get_close_matches


class PaiError(Exception):
    """An error with a text for people and, where one is known, the way out."""

    reason = "Error"

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SpecError(PaiError):
    """The author must act: the document or the command can't work as written."""

    reason = "InvalidSpec"


class TransientError(PaiError):
    """Something outside is out of reach for now; the same call may work later."""

    reason = "Unavailable"


class RefNotFoundError(SpecError):
    """A name in a spec points to a resource that does not exist."""

    reason = "RefNotFound"

    def __init__(self, path: str, kind: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"{path}: no {kind} named {name!r}", hint=did_you_mean(name, known))


class ConflictError(PaiError):
    """The resource exists already, or was changed by someone else since it was read."""

    reason = "Conflict"


class NotFoundError(PaiError):
    """There is no such resource."""

    reason = "NotFound"


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """Return a hint that names the closest of `known`, or None when nothing is close."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else None
