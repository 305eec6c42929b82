"""The public API as an aggregated API: `/apis/platform.pai.io/v1`, behind the API server.

The API server authenticates people, asks RBAC about `GROUP/PLURAL/SUBRESOURCE` in the namespace of
the path, keeps its audit log, and only then passes the request on. So the one thing to be sure of
here is that it is the API server who calls: its client certificate is of the front-proxy CA and
bears one of the allowed names. What else reaches the port is cut off during or after the handshake.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

import ssl
from collections.abc import Collection
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pai.control.http.answers import json_answer
from pai.control.http.guard import limited
from pai.errors import SpecError
from pai.kube import Kube
from pai.kube.kinds import CONFIG_MAPS

GROUP, VERSION = "platform.pai.io", "v1"
BASE = f"/apis/{GROUP}/{VERSION}"
_OWN_BASE = "/api/v1"
_AUTHENTICATION = ("extension-apiserver-authentication", "kube-system")
_AUTHORITY, _NAMES = "requestheader-client-ca-file", "requestheader-allowed-names"


class FrontProxy(NamedTuple):
    """Who may call: the authority of the client certificates, and their names; () = any."""

    authority_pem: str
    names: tuple[str, ...]


async def front_proxy(kube: Kube) -> FrontProxy:
    """Return who the cluster's front proxy is. Raises SpecError where there is none."""
    found = await kube.get(CONFIG_MAPS, *_AUTHENTICATION)
    data = (found or {}).get("data") or {}
    if not data.get(_AUTHORITY):
        raise SpecError(
            "the cluster has no aggregation layer: its API server was started without "
            "--requestheader-client-ca-file",
            hint="`pai` needs it; `kubectl` works without",
        )
    return FrontProxy(data[_AUTHORITY], tuple(msgspec.json.decode(data.get(_NAMES) or "[]")))


def tls_context(front: FrontProxy) -> ssl.SSLContext:
    """Return a context that admits nobody without a certificate of the front proxy's CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=front.authority_pem)
    return context


def admits(certificate: object, names: Collection[str]) -> bool:
    """Say whether a verified client certificate bears an allowed name. () = any name."""
    if not isinstance(certificate, dict):
        return False
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    return not names or any(key == "commonName" and value in names for key, value in subject)


class Front:
    """ASGI application: discovery, and the public API under the group's path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer discovery here, pass calls on, refuse all else."""
        if scope["type"] not in ("http", "websocket"):
            return
        path: str = scope["path"]
        if path.startswith(f"{BASE}/"):
            inner = _OWN_BASE + path[len(BASE) :]
            passed = {**scope, "path": inner, "raw_path": inner.encode(), "root_path": ""}
            await self._app(passed, limited(receive), send)
            return
        answer = _DISCOVERY.get(path.rstrip("/") or "/")
        response = json_answer(answer) if answer is not None else Response(status_code=404)
        if scope["type"] == "http":
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def remote_user(request: Request) -> str:
    """Return who the API server says is calling."""
    return request.headers.get("x-remote-user", "")


_VERSION = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
_GROUP_DOCUMENT = {"name": GROUP, "versions": [_VERSION], "preferredVersion": _VERSION}
_DISCOVERY: dict[str, object] = {
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_GROUP_DOCUMENT]},
    f"/apis/{GROUP}": {"kind": "APIGroup", "apiVersion": "v1", **_GROUP_DOCUMENT},
    BASE: {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{VERSION}",
        # None is announced: the cluster's garbage and namespace collectors would list and delete
        # what they find here, and kubectl would mistake these for the resources of `pai.io`.
        "resources": [],
    },
}
