"""Errors of the API server, told in our own words and without anything secret."""

from typing import NamedTuple

from pai.errors import PaiError, SpecError, TransientError


class Cause(NamedTuple):
    """One field that the API server did not like. message: "" where it might quote a secret."""

    field: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.field, self.message or "is refused") if part)


class KubeConfigError(SpecError):
    """There is no usable way to the API server in what was configured."""

    reason = "KubeConfig"


class KubeRefusedError(PaiError):
    """The API server answered that it can't do what was asked.

    status: of its HTTP answer. reason: Kubernetes' own, such as NotFound, Conflict, Invalid.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        causes: tuple[Cause, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.reason = reason
        self.causes = causes


class KubeUnavailableError(TransientError):
    """The API server is out of reach, or asks for patience (429, 5xx).

    retry_after_seconds: what it asked for, None when it said nothing.
    """

    reason = "ApiServerUnavailable"

    def __init__(
        self, message: str, hint: str | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.retry_after_seconds = retry_after_seconds
