from typing import Any

import pytest

from pai.dialect.refused import Refused
from pai.gateway.operations import Kind, method_fault, operation_of, query_of
from pai.wire.message import Headers, RequestHead


def head(path: str, headers: Headers | None = None, query: bytes = b"") -> RequestHead:
    made: Any = RequestHead.__new__(RequestHead)
    made.method, made.path, made.query = b"POST", path.encode(), query
    made.headers, made.upgrade = headers or [], None
    found: RequestHead = made
    return found


@pytest.mark.parametrize(
    ("path", "kind", "client", "model"),
    [
        ("/v1/chat/completions", Kind.ANSWER, "openai.chat", None),
        ("/api/v1/chat/completions", Kind.ANSWER, "openai.chat", None),
        ("/v1beta/openai/chat/completions", Kind.ANSWER, "openai.chat", None),
        ("/v1/responses", Kind.ANSWER, "openai.responses", None),
        ("/v1/responses/resp_1", Kind.STORED, "openai.responses", None),
        ("/v1/responses/resp_1/cancel", Kind.STORED, "openai.responses", None),
        ("/v1/conversations", Kind.STORED, "openai.responses", None),
        ("/v1/completions", Kind.ANSWER, "openai.completions", None),
        ("/v1/embeddings", Kind.ANSWER, "openai.embeddings", None),
        ("/v1/messages", Kind.ANSWER, "anthropic.messages", None),
        ("/v1/messages/count_tokens", Kind.COUNT, "anthropic.messages", None),
        ("/v1/messages/batches", Kind.UNKNOWN, "anthropic.messages", None),
        ("/messages", Kind.ANSWER, "anthropic.messages", None),
        ("/messages/count_tokens", Kind.COUNT, "anthropic.messages", None),
        ("/messages/batches", Kind.UNKNOWN, "anthropic.messages", None),
        ("/v1beta/models/m:generateContent", Kind.ANSWER, "gemini.generate", "m"),
        ("/v1/models/m:generateContent", Kind.ANSWER, "gemini.generate", "m"),
        ("/v1alpha/models/m%2Fn:streamGenerateContent", Kind.ANSWER, "gemini.generate", "m/n"),
        ("/v1beta/models/m:countTokens", Kind.COUNT, "gemini.generate", "m"),
        ("/v1beta/models/m:embedContent", Kind.ANSWER, "gemini.embed_one", "m"),
        ("/v1beta/models/m:batchEmbedContents", Kind.ANSWER, "gemini.embed", "m"),
        ("/v1beta/models/m:predict", Kind.UNKNOWN, "gemini.generate", "m"),
        ("/v1beta/cachedContents", Kind.UNKNOWN, "gemini.generate", None),
        ("/v1/models", Kind.MODELS, "openai.chat", None),
        ("/v1beta/models", Kind.MODELS, "gemini.generate", None),
        ("/v1beta/openai/models", Kind.MODELS, "openai.chat", None),
        ("/v1/models/a%2Fb", Kind.MODEL, "openai.chat", "a/b"),
        ("/v1/models/a/b", Kind.MODEL, "openai.chat", "a/b"),
        ("/v1beta/models/x", Kind.MODEL, "gemini.generate", "x"),
        ("/v1/audio/speech", Kind.UNKNOWN, "openai.chat", None),
        ("/", Kind.UNKNOWN, "openai.chat", None),
    ],
)
def test_every_path_has_one_meaning(path: str, kind: Kind, client: str, model: str | None) -> None:
    found = operation_of(head(path))
    assert (found.kind, found.client.name, found.model) == (kind, client, model)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ([(b"anthropic-version", b"2026-10-21")], "anthropic.messages"),
        ([(b"x-goog-api-client", b"google-genai-sdk/3")], "gemini.generate"),
        ([], "openai.chat"),
    ],
)
def test_sdks_that_share_a_path_are_told_apart(header: Headers, client: str) -> None:
    for path in ("/v1/models", "/v1/models/x"):
        assert operation_of(head(path, header)).client.name == client
    assert operation_of(head("/v1beta/models", header)).client.name == "gemini.generate"


def test_a_path_has_one_method_and_no_websockets() -> None:
    asked = head("/v1/responses")
    operation = operation_of(asked)
    assert method_fault(asked, operation) is None
    asked.method = b"GET"
    fault = method_fault(asked, operation)
    assert fault is not None
    assert (fault.refused, fault.message) == (Refused.WRONG_METHOD, "use POST")
    asked.upgrade = b"websocket"
    fault = method_fault(asked, operation)
    assert fault is not None
    assert fault.refused is Refused.NO_WEBSOCKETS


def test_of_a_query_the_last_value_counts() -> None:
    assert query_of(head("/", query=b"alt=json&alt=sse&a")) == {"alt": "sse", "a": ""}
    assert query_of(head("/")) == {}
