"""The aggregated API: who is let in, what is found, and where calls go."""

import datetime
import ssl
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from pai.control.http.answers import json_answer
from pai.control.kubernetes.front import (
    BASE,
    Front,
    FrontProxy,
    admits,
    front_proxy,
    remote_user,
    tls_context,
)
from pai.control.pki import new_authority
from pai.errors import SpecError


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what was asked for."""
    request = Request(scope, receive)
    body = (await request.body()).decode()
    seen = {"path": request.url.path, "query": request.url.query, "body": body}
    await json_answer({**seen, "user": remote_user(request)})(scope, receive, send)


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Front(inner)), base_url="https://x")


async def test_calls_reach_the_public_api_under_its_own_path() -> None:
    answer = await client().post(
        f"{BASE}/namespaces/team/apply?x=1", content="{}", headers={"x-remote-user": "ann"}
    )
    assert answer.json() == {
        "path": "/api/v1/namespaces/team/apply",
        "query": "x=1",
        "body": "{}",
        "user": "ann",
    }


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/team/apply", "/", "/docs", "/apis/other/v1/x"]
)
async def test_nothing_else_is_passed_on(path: str) -> None:
    assert (await client().get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/apis", "APIGroupList"), ("/apis/platform.pai.io", "APIGroup"), (BASE, "APIResourceList")],
)
async def test_discovery(path: str, kind: str) -> None:
    assert (await client().get(path)).json()["kind"] == kind


async def test_discovery_announces_nothing_that_collectors_could_delete() -> None:
    assert (await client().get(BASE)).json()["resources"] == []


def certificate(*names: str) -> dict[str, Any]:
    return {"subject": tuple((("commonName", name),) for name in names)}


@pytest.mark.parametrize(
    ("shown", "allowed", "expected"),
    [
        (certificate("front-proxy-client"), ("front-proxy-client",), True),
        (certificate("somebody"), ("front-proxy-client",), False),
        (certificate("somebody"), (), True),
        (None, (), False),
        ({}, (), True),
        ({}, ("front-proxy-client",), False),
        (
            {"subject": ((("organizationName", "front-proxy-client"),),)},
            ("front-proxy-client",),
            False,
        ),
    ],
)
def test_only_the_front_proxy_is_admitted(
    shown: Any, allowed: tuple[str, ...], expected: bool
) -> None:
    assert admits(shown, allowed) is expected


class Config:
    """The one ConfigMap that is asked for."""

    def __init__(self, data: dict[str, str] | None) -> None:
        self._data = data

    async def get(self, _kind: Any, name: str, namespace: str) -> dict[str, Any] | None:
        assert (name, namespace) == ("extension-apiserver-authentication", "kube-system")
        return None if self._data is None else {"data": self._data}


async def test_who_the_front_proxy_is_comes_from_the_cluster() -> None:
    data = {
        "requestheader-client-ca-file": "PEM",
        "requestheader-allowed-names": '["front-proxy-client"]',
    }
    found = await front_proxy(Config(data))  # type: ignore[arg-type]
    assert found == FrontProxy("PEM", ("front-proxy-client",))


@pytest.mark.parametrize("data", [None, {}, {"client-ca-file": "of people, not of the proxy"}])
async def test_without_an_aggregation_layer_nobody_is_let_in(data: dict[str, str] | None) -> None:
    with pytest.raises(SpecError, match="no aggregation layer"):
        await front_proxy(Config(data))  # type: ignore[arg-type]


def test_the_context_demands_a_certificate() -> None:
    now = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    _, mark, rest = new_authority(now).decode().partition("-----BEGIN CERTIFICATE-----")
    context = tls_context(FrontProxy(mark + rest, ()))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1
