import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from pai.control.http.answers import TooLargeError
from pai.control.http.guard import MAX_BODY_BYTES, Guard

TOKEN = "pai_tok_good"


def call(
    headers: list[tuple[str, str]],
    *,
    path: str = "/api/v1/namespaces/default/secrets",
    query: str = "",
    port: int | None = 8080,
    body: list[bytes] | None = None,
) -> tuple[int, bool]:
    """Return the status, and whether the application was reached."""
    reached: list[bool] = []
    sent: list[Message] = []
    parts = list(body or [b""])

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(True)
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "server": ("127.0.0.1", port),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    guard = Guard(app, lambda token: token == TOKEN)
    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], bool(reached)


GOOD = [("host", "localhost:8080"), ("authorization", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"]
)
def test_names_of_this_machine_pass(host: str) -> None:
    assert call([("host", host), GOOD[1]]) == (200, True)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=40))
def test_no_other_name_reaches_the_application(host: str) -> None:
    status, reached = call([("host", host), GOOD[1]])
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    ours = (name or host).lower() in ("localhost", "127.0.0.1", "[::1]", "::1")
    assert reached == ours and (status == 200) == ours


def test_the_local_socket_has_no_host_to_check() -> None:
    assert call([("host", "anything"), GOOD[1]], port=None) == (200, True)
    assert call([("host", "anything")], port=None) == (401, False)


@given(st.text(max_size=30))
def test_no_text_is_a_token(text: str) -> None:
    value = f"Bearer {text}".encode("latin-1", "ignore").decode("latin-1")
    assert call([GOOD[0], ("authorization", value)]) == (401, False)


def test_two_authorization_headers_are_none() -> None:
    assert call([*GOOD, ("authorization", "Bearer other")]) == (401, False)


@pytest.mark.parametrize("query", ["token=x", "a=1&ACCESS_TOKEN=y", "api_key=", "%74oken=x"])
def test_tokens_in_urls_are_refused_everywhere(query: str) -> None:
    for path in ("/healthz", "/api/v1/namespaces/default/secrets"):
        assert call(GOOD, path=path, query=query) == (400, False)


def test_only_the_open_pages_open_without_a_token() -> None:
    for path in ("/healthz", "/api/v1/version", "/docs", "/openapi.json", "/metrics"):
        assert call(GOOD[:1], path=path) == (200, True)
    for path in ("/healthz/", "//healthz", "/healthz/../api", "/docs/x", "/HEALTHZ", ""):
        assert call(GOOD[:1], path=path) == (401, False)


def test_bodies_end_at_the_limit() -> None:
    assert call([*GOOD, ("content-length", str(MAX_BODY_BYTES + 1))]) == (413, False)
    assert call([*GOOD, ("content-length", "-1")]) == (413, False)
    chunk = b"x" * (MAX_BODY_BYTES // 4)
    assert call(GOOD, body=[chunk] * 4) == (200, True)
    with pytest.raises(TooLargeError):
        call(GOOD, body=[chunk] * 5)
