"""What the API server's refusals mean to the author of a document."""

from collections.abc import Sequence

from pai.api.fault import DocumentErrors, Fault
from pai.errors import ConflictError, NotFoundError, PaiError, SpecError, TransientError
from pai.kube import KubeRefusedError
from pai.store.record import ResourceKey, Written

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _INVALID = 401, 403, 404, 409, 422
_BAD_REQUEST = 400


class PartlyStoredError(PaiError):
    """A commit of several writes failed after some were done: the API server has no transaction.

    It was checked before as a whole, so this takes a change or an outage in between.
    """

    reason = "PartlyStored"

    def __init__(self, error: PaiError, done: Sequence[Written]) -> None:
        names = ", ".join(str(written.record.key) for written in done)
        super().__init__(
            f"{error.message}; stored before that: {names}",
            hint="repeat it: what is stored already stays as it is",
        )


def as_ours(error: KubeRefusedError, key: ResourceKey, document: int = 1) -> PaiError:
    """Return the error that callers of a store know. document: counted from 1."""
    if error.status == _CONFLICT:
        return changed_meanwhile(key)
    if error.status == _NOT_FOUND:
        hint = None
        if "namespaces" in error.message:
            hint = f"make the namespace first: `kubectl create namespace {key.namespace}`"
        return NotFoundError(f"{key}: {error.message}", hint)
    if error.status in (_INVALID, _BAD_REQUEST):
        return DocumentErrors(_faults(error, document))
    if error.status == _FORBIDDEN:
        return SpecError(f"{key}: {error.message}", error.hint)
    if error.status == _UNAUTHORIZED:
        return TransientError(f"the API server does not know us: {error.message}", error.hint)
    return error


def changed_meanwhile(key: ResourceKey) -> ConflictError:
    """Return the error for a resource that is no longer as it was read."""
    return ConflictError(
        f"{key}: was changed by someone else since it was read", hint="read it again"
    )


def _faults(error: KubeRefusedError, document: int) -> list[Fault]:
    faults = [
        Fault(path=cause.field, message=cause.message or "is refused", document=document)
        for cause in error.causes
    ]
    return faults or [Fault(message=error.message, document=document)]
