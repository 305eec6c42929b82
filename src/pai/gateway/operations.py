"""Which operation a path asks for, in which dialect. A table; paths are matched as they came.

Agents with a hard-coded URL are led here too, so the vendors' own base paths count.
"""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from pai.dialect.anthropic import MESSAGES_CLIENT
from pai.dialect.gemini import EMBED_CLIENT, EMBED_ONE_CLIENT, GENERATE_CLIENT
from pai.dialect.openai import CHAT_CLIENT, COMPLETIONS_CLIENT, EMBEDDINGS_CLIENT
from pai.dialect.refused import Refused
from pai.dialect.responses import PATHS_OF_STORED_STATE, RESPONSES_CLIENT
from pai.dialect.sides import NO_QUERY, ClientSide
from pai.gateway.refusal import Failure
from pai.wire.message import Headers, RequestHead, first

SERVED: Final = (
    "served are POST /v1/chat/completions, /v1/responses, /v1/completions, /v1/embeddings,"
    " /v1/messages, /v1/messages/count_tokens, /v1beta/models/MODEL:generateContent,"
    " :streamGenerateContent, :countTokens, :embedContent, :batchEmbedContents,"
    " and GET /v1/models, /v1beta/models"
)


class Kind(Enum):
    """What is done for a path."""

    ANSWER = auto()
    """A model answers; tokens are spent."""
    COUNT = auto()
    """A prompt is counted; nothing is spent."""
    MODELS = auto()
    MODEL = auto()
    STORED = auto()
    """It would need what a vendor has kept of earlier requests."""
    UNKNOWN = auto()


class Operation(NamedTuple):
    """A path's meaning. client: words refusals even where it serves nothing else.

    model: the one that the path names; name: the path's own method.
    """

    kind: Kind
    client: ClientSide
    method: bytes = b"POST"
    model: str | None = None
    name: str = ""


_OPENAI: Final[Mapping[bytes, Operation]] = {
    b"/chat/completions": Operation(Kind.ANSWER, CHAT_CLIENT),
    b"/responses": Operation(Kind.ANSWER, RESPONSES_CLIENT),
    b"/completions": Operation(Kind.ANSWER, COMPLETIONS_CLIENT),
    b"/embeddings": Operation(Kind.ANSWER, EMBEDDINGS_CLIENT),
    b"/models": Operation(Kind.MODELS, CHAT_CLIENT, b"GET"),
}
_MESSAGES: Final[Mapping[bytes, Kind]] = {
    b"/messages": Kind.ANSWER,
    b"/messages/count_tokens": Kind.COUNT,
}
_FIXED: Final[Mapping[bytes, Operation]] = {
    **{
        base + path: operation
        for base in (b"/v1", b"/api/v1", b"/v1beta/openai")
        for path, operation in _OPENAI.items()
    },
    # without /v1 too: some of Anthropic's clients want it in the base URL, others add it
    **{
        base + path: Operation(kind, MESSAGES_CLIENT)
        for base in (b"/v1", b"")
        for path, kind in _MESSAGES.items()
    },
    b"/v1beta/models": Operation(Kind.MODELS, GENERATE_CLIENT, b"GET"),
    b"/v1alpha/models": Operation(Kind.MODELS, GENERATE_CLIENT, b"GET"),
}
_GEMINI: Final = {
    "generateContent": (Kind.ANSWER, GENERATE_CLIENT),
    "streamGenerateContent": (Kind.ANSWER, GENERATE_CLIENT),
    "countTokens": (Kind.COUNT, GENERATE_CLIENT),
    "embedContent": (Kind.ANSWER, EMBED_ONE_CLIENT),
    "batchEmbedContents": (Kind.ANSWER, EMBED_CLIENT),
}
_GEMINI_PATH: Final = re.compile(rb"/v1(?:beta|alpha)?/(?:models|tunedModels)/([^:]+):(\w+)\Z")
_ONE_MODEL: Final = re.compile(rb"(?:/api)?/(v1|v1beta|v1alpha|v1beta/openai)/models/([^:]+)\Z")
_STORED: Final = re.compile(
    rb"(?:/api)?/v1(?:%b)(?:/|\Z)" % b"|".join(re.escape(path) for path in PATHS_OF_STORED_STATE)
)
# Headers by which SDKs that share a path are told apart; OpenAI's sends neither.
_MARKS: Final = ((b"anthropic-version", MESSAGES_CLIENT), (b"x-goog-api-client", GENERATE_CLIENT))


def operation_of(head: RequestHead) -> Operation:
    """Return what a request asks for."""
    found = _FIXED.get(head.path)
    if found is None:
        return _rare(head)
    if found.kind is Kind.MODELS and found.client is CHAT_CLIENT:
        return found._replace(client=_lister(head.headers))
    return found


def _rare(head: RequestHead) -> Operation:
    path = head.path
    match = _GEMINI_PATH.match(path)
    if match is not None:
        model, name = _text(match[1]), match[2].decode("ascii", "replace")
        kind, client = _GEMINI.get(name, (Kind.UNKNOWN, GENERATE_CLIENT))
        return Operation(kind, client, model=model, name=name)
    match = _ONE_MODEL.match(path)
    if match is not None:
        native = match[1] in (b"v1beta", b"v1alpha")
        client = GENERATE_CLIENT if native else _lister(head.headers)
        return Operation(Kind.MODEL, client, b"GET", _text(match[2]))
    if _STORED.match(path) is not None:
        return Operation(Kind.STORED, RESPONSES_CLIENT, head.method)
    return Operation(Kind.UNKNOWN, _family(head), head.method)


def _lister(headers: Headers) -> ClientSide:
    for mark, client in _MARKS:
        if first(headers, mark) is not None:
            return client
    return CHAT_CLIENT


def _family(head: RequestHead) -> ClientSide:
    """Return whose words an agent at an unknown path most likely understands."""
    if head.path.startswith((b"/v1beta/", b"/v1alpha/")) and b"/openai/" not in head.path:
        return GENERATE_CLIENT
    if head.path.startswith((b"/v1/messages", b"/v1/complete", b"/messages")):
        return MESSAGES_CLIENT
    return _lister(head.headers)


def method_fault(head: RequestHead, operation: Operation) -> Failure | None:
    """Return what is wrong with the way a path is asked, or None."""
    if head.method == operation.method:
        return None
    if head.upgrade is not None:
        return Failure(Refused.NO_WEBSOCKETS, "there are no WebSockets here; ask over HTTP")
    return Failure(Refused.WRONG_METHOD, f"use {operation.method.decode()}")


def query_of(head: RequestHead) -> Mapping[str, str]:
    """Return the query, decoded; of a name that is given twice the last value counts."""
    if not head.query:
        return NO_QUERY
    return dict(parse_qsl(head.query.decode("ascii", "replace"), keep_blank_values=True))


def _text(part: bytes) -> str:
    return unquote_to_bytes(part).decode("utf-8", "replace")
