"""Say no in the client's dialect, so that its SDK raises the right error and does not retry."""

from dataclasses import dataclass

from pai.dialect.refused import BadRequestError, Refused
from pai.dialect.sides import ClientSide
from pai.wire.exchange import Exchange
from pai.wire.message import Headers

JSON = (b"content-type", b"application/json")
_FINAL = frozenset({Refused.BUDGET_SPENT, Refused.OVER_REQUEST_LIMIT})


@dataclass(frozen=True, slots=True)
class Passed:
    """A vendor's own refusal, to be passed on."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a route gave no answer. next_route: another one may do better."""

    refused: Refused
    message: str
    param: str | None = None
    retry_after_seconds: int | None = None
    next_route: bool = False
    passed: Passed | None = None


def failure_of(error: BadRequestError) -> Failure:
    """Return the failure for a request that can't be served as written."""
    lacks = error.refused is Refused.UNSUPPORTED
    return Failure(error.refused, error.message, error.param, next_route=lacks)


def refuse(exchange: Exchange, client: ClientSide, failure: Failure, own: Headers) -> int:
    """Answer with a failure; return the status."""
    if failure.passed is not None:
        passed = failure.passed
        exchange.answer(passed.status, passed.headers, passed.body)
        return passed.status
    headers = [JSON, *own]
    if failure.retry_after_seconds is not None:
        headers.append((b"retry-after", str(failure.retry_after_seconds).encode()))
    if failure.refused in _FINAL:
        headers.append((b"x-should-retry", b"false"))
    status, body = client.error(failure.refused, failure.message, failure.param)
    exchange.answer(status, headers, body)
    return status
