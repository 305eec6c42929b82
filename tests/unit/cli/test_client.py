"""What the API and the network can answer, and what a person is told of it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pai.cli.client import ApiError, PlatformClient, WatchExpiredError, http_client
from pai.cli.failures import CommandError, FaultsError
from pai.errors import PaiError, TransientError

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> PlatformClient:
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://pai.test")
    return PlatformClient(http, "default")


def error(status: int, **fields: Any) -> Answer:
    return lambda _: httpx.Response(status, json={"error": fields})


def raising(problem: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise problem

    return answer


@pytest.mark.parametrize(
    ("answer", "kind", "message", "hint"),
    [
        (error(404, code="not_found", message="a: gone"), ApiError, "a: gone", None),
        (error(409, message="exists", hint="apply"), ApiError, "exists", "apply"),
        (error(401, message="no token"), ApiError, "no token", "pai login HOST"),
        (error(503, message="engine away"), ApiError, "engine away", None),
        (
            lambda _: httpx.Response(502, text="<html>"),
            ApiError,
            "/api/v1/namespaces/default/secrets: HTTP status 502",
            None,
        ),
        (lambda _: httpx.Response(500, json=[]), ApiError, "HTTP status 500", None),
        (lambda _: httpx.Response(200, text="hello"), CommandError, "is not a Pai platform", None),
        (raising(httpx.ConnectError("refused")), TransientError, "does not answer", "pai up"),
        (raising(httpx.ReadTimeout("slow")), TransientError, "took too long", "pai doctor"),
        (raising(httpx.RemoteProtocolError("cut")), TransientError, "broke: cut", None),
        (
            raising(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")),
            CommandError,
            "its certificate is not trusted",
            "CERTIFICATE",
        ),
    ],
)
def test_what_goes_wrong_is_told(
    answer: Answer, kind: type[PaiError], message: str, hint: str | None
) -> None:
    with pytest.raises(kind) as caught:
        client(answer).list_all("secrets")
    assert message in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


def test_all_faults_come_back_with_their_documents() -> None:
    faults = [
        {"document": 0, "path": "spec.a", "message": "is wrong", "hint": "h"},
        {"document": None, "path": "", "message": "too many"},
    ]
    with pytest.raises(FaultsError) as caught:
        client(error(400, message="2", faults=faults)).apply({"documents": []})
    told = [(fault.message, fault.where, fault.document) for fault in caught.value.faults]
    assert told == [("spec.a: is wrong", "document 1", 0), ("too many", "", None)]


def test_names_are_escaped() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={})

    client(answer).get("secrets", "../x?y=1#z")
    assert seen == [b"/api/v1/namespaces/default/secrets/..%2Fx%3Fy%3D1%23z"]


def test_a_watch_yields_events_and_signs_of_life_and_says_when_it_ends() -> None:
    body = b': watching\n\ndata: {"type": "ADDED"}\n\n'
    watch = client(lambda _: httpx.Response(200, content=body)).watch("secrets", "7")
    assert next(watch) is None
    assert next(watch) == {"type": "ADDED"}
    with pytest.raises(WatchExpiredError):
        next(watch)


def test_a_refused_stream_is_an_error() -> None:
    with pytest.raises(ApiError, match="no such agent"):
        list(client(error(404, message="no such agent")).logs("a", {}))


def test_the_token_is_a_header_and_proxies_of_the_shell_are_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with http_client("http://127.0.0.1:1", "pai_tok_x", None) as http:
        assert http.headers["authorization"] == "Bearer pai_tok_x"
        assert not http.trust_env
    with http_client("http://127.0.0.1:1", None, None) as http:
        assert "authorization" not in http.headers
