"""Values that provider plugins take and give."""

from collections.abc import Mapping
from typing import NamedTuple

Headers = list[tuple[bytes, bytes]]


class Request(NamedTuple):
    """A request of the agent as it came, but for the path, which is in normal form.

    header names are lower case. query: without `?`, undecoded.
    """

    method: str
    host: str
    path: str
    query: bytes
    headers: Headers


class Resolved(NamedTuple):
    """What a request does, and to what. resources: by kind; a missing kind is unknown."""

    actions: tuple[str, ...]
    resources: Mapping[str, tuple[str, ...]] = {}


class Outgoing(NamedTuple):
    """The request line's target and the headers that go to the service."""

    target: bytes
    headers: Headers


class Refusal(NamedTuple):
    """Why a request is refused, as the agent is told."""

    provider: str
    action: str
    resource: str
    rule: str
    message: str
    code: str = "policy_denied"


class Answer(NamedTuple):
    """An answer made here in place of the service's."""

    status: int
    headers: Headers
    body: bytes
