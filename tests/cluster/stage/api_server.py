"""The API server spoken to directly: hundreds of documents are judged in a second or two."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from pai.api import KINDS

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_STRICT = {"dryRun": "All", "fieldValidation": "Strict"}


class Answer(NamedTuple):
    """What became of a document. message: of a refusal. warning: header of the API server."""

    status: int
    document: dict[str, Any]
    warning: str

    @property
    def accepted(self) -> bool:
        """Say whether it would be stored."""
        return self.status < 300

    @property
    def message(self) -> str:
        """Return why it was refused."""
        return str(self.document.get("message", ""))


class ApiServer:
    """Calls of one API server, as its administrator."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def judge(self, document: dict[str, Any]) -> Answer:
        """Ask what would become of a new resource of ours; nothing is stored."""
        return self._send("POST", path_of(document), document, _STRICT)

    def create(self, document: dict[str, Any]) -> Answer:
        """Store a new resource of ours."""
        return self._send("POST", path_of(document), document, {"fieldValidation": "Strict"})

    def replace(self, document: dict[str, Any], subresource: str = "") -> Answer:
        """Store a resource that exists, or a part of it."""
        path = f"{path_of(document)}/{document['metadata']['name']}{subresource}"
        return self._send("PUT", path, document, {"fieldValidation": "Strict"})

    def apply(self, path: str, document: dict[str, Any], **params: str) -> Answer:
        """Apply on the server's side."""
        params = {"fieldManager": "tests", "force": "true", "fieldValidation": "Strict", **params}
        return self._send("PATCH", path, document, params, "application/apply-patch+yaml")

    def get(self, path: str, accept: str = "application/json") -> Answer:
        """Read an object."""
        return _answer(self._http.get(path, headers={"accept": accept}))

    def delete(self, path: str) -> Answer:
        """Delete an object."""
        return _answer(self._http.delete(path))

    def _send(
        self,
        method: str,
        path: str,
        document: dict[str, Any],
        params: dict[str, str],
        content_type: str = "application/json",
    ) -> Answer:
        headers = {"content-type": content_type}
        body = json.dumps(document)
        return _answer(
            self._http.request(method, path, params=params, content=body, headers=headers)
        )


def path_of(document: dict[str, Any]) -> str:
    """Return where resources of a document's kind are, in the namespace `default`."""
    return f"/apis/pai.io/v1/namespaces/default/{KINDS[document['kind']].plural}"


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.json(), response.headers.get("warning", ""))


@contextmanager
def api_server(kubeconfig: Path) -> Iterator[ApiServer]:
    """Open the way that a kubeconfig of the tests' cluster describes."""
    config = json.loads(kubeconfig.read_text(encoding="utf-8"))
    user = config["users"][0]["user"]
    cluster = config["clusters"][0]["cluster"]
    trust = ssl.create_default_context(cafile=cluster["certificate-authority"])
    trust.load_cert_chain(user["client-certificate"], user["client-key"])
    with httpx.Client(
        base_url=cluster["server"], verify=trust, timeout=30, trust_env=False
    ) as http:
        yield ApiServer(http)
