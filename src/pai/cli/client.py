"""The public API as the command line sees it: every foreign error ends here."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from pai import __version__
from pai.cli.failures import CommandError, Fault, FaultsError
from pai.cli.sse import events
from pai.errors import TransientError

Json = dict[str, Any]
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class ApiError(CommandError):
    """The platform refused. status: HTTP status; code: the API's own word for it."""

    def __init__(self, status: int, code: str, message: str, hint: str | None) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code


Explained = tuple[str, str, str | None]


@dataclass(frozen=True)
class Place:
    """Where the API is below a server, and what to say when something else answers there.

    logs: name of the call for an agent's log. explain: code, message and hint of an error answer
    that is not the platform's own, from its status, its JSON (None: none) and its text.
    """

    base: str = "/api/v1"
    logs: str = "logs"
    away_hint: str = "pai up starts it, pai doctor looks"
    explain: Callable[[int, object, str], Explained] | None = None


MACHINE = Place()


class WatchExpiredError(TransientError):
    """A watch ended; list again and watch from there."""


class PlatformClient:
    """Calls of one namespace of one platform."""

    def __init__(self, http: httpx.Client, namespace: str, place: Place = MACHINE) -> None:
        self._http = http
        self._place = place
        self.namespace = namespace

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def version(self) -> Json:
        """Return the platform's version and instance; needs no token."""
        return self._json("GET", f"{self._place.base}/version")

    def list_all(self, plural: str) -> Json:
        """Return all resources of a kind, with the list's resourceVersion."""
        return self._json("GET", self._path(plural))

    def get(self, plural: str, name: str) -> Json:
        """Return one resource."""
        return self._json("GET", self._path(plural, name))

    def create(self, plural: str, document: Mapping[str, Any]) -> Json:
        """Create one resource; a name that exists is an ApiError with status 409."""
        return self._json("POST", self._path(plural), json=document)

    def replace(self, plural: str, name: str, document: Mapping[str, Any]) -> Json:
        """Replace one resource."""
        return self._json("PUT", self._path(plural, name), json=document)

    def delete(self, plural: str, name: str, *, volumes: bool = False) -> Json:
        """Delete one resource; with `volumes` an agent's data too."""
        params = {"volumes": "true"} if volumes else {}
        return self._json("DELETE", self._path(plural, name), params=params)

    def apply(self, body: Mapping[str, Any]) -> list[Json]:
        """Apply documents, all or nothing; returns one result a document."""
        found: list[Json] = self._json("POST", self._path("apply"), json=body)["results"]
        return found

    def report(self, name: str) -> Json:
        """Return all that is known of one agent."""
        return self._json("GET", self._path("agentworkloads", name, "report"))

    def act(self, name: str, action: str) -> Json:
        """Restart, pause or resume one agent."""
        return self._json("POST", self._path("agentworkloads", name, action))

    def items(self, what: str, params: Mapping[str, str]) -> list[Json]:
        """Return the namespace's `usage` or `audit` records."""
        found: list[Json] = self._json("GET", self._path(what), params=params)["items"]
        return found

    def usage_csv(self, params: Mapping[str, str]) -> str:
        """Return the namespace's usage as CSV."""
        path, asked = self._path("usage"), {**params, "format": "csv"}
        with _translated(self._http, self._place):
            response = self._http.get(path, params=asked)
        _check(response, self._place)
        return response.text

    def logs(self, name: str, params: Mapping[str, str]) -> Iterator[str]:
        """Yield an agent's log as it arrives."""
        path = self._path("agentworkloads", name, self._place.logs)
        with self._stream(path, params, httpx.Timeout(30.0, read=None)) as response:
            yield from response.iter_text()

    def watch(
        self, plural: str, version: str, seconds: float | None = None
    ) -> Iterator[Json | None]:
        """Yield changes after `version` as they happen: `{"type", "object"}`; None = still there.

        seconds: how long silence is borne. Raises WatchExpiredError when the stream ends.
        """
        params = {"watch": "true", "resourceVersion": version}
        with self._stream(self._path(plural), params, httpx.Timeout(30.0, read=seconds)) as answer:
            yield from events(answer.iter_lines())
        raise WatchExpiredError("the watch ended")

    def _path(self, *parts: str) -> str:
        quoted = (quote(part, safe="") for part in (self.namespace, *parts))
        return "/".join([self._place.base, "namespaces", *quoted])

    def _json(self, method: str, path: str, **extra: Any) -> Json:
        with _translated(self._http, self._place):
            response = self._http.request(method, path, **extra)
        _check(response, self._place)
        if not response.content:
            return {}
        try:
            found: Json = response.json()
        except ValueError as error:
            raise _not_pai(self._http) from error
        return found

    @contextmanager
    def _stream(
        self, path: str, params: Mapping[str, str], timeout: httpx.Timeout
    ) -> Iterator[httpx.Response]:
        with (
            _translated(self._http, self._place),
            self._http.stream("GET", path, params=dict(params), timeout=timeout) as response,
        ):
            if response.is_error:
                response.read()
            _check(response, self._place)
            yield response


def http_client(server: str, token: str | None, socket: str | None) -> httpx.Client:
    """Return the connection to one platform; `socket` is used in place of TCP when given."""
    headers = {"user-agent": f"pai/{__version__}"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    transport = httpx.HTTPTransport(uds=socket) if socket else None
    # Proxy variables are for the outside; a platform is spoken to directly.
    return httpx.Client(
        base_url=server, headers=headers, timeout=_TIMEOUT, transport=transport, trust_env=False
    )


@contextmanager
def _translated(http: httpx.Client, place: Place) -> Iterator[None]:
    """Turn what the network can do wrong into errors for people."""
    server = str(http.base_url).rstrip("/")
    try:
        yield
    except httpx.ConnectError as error:
        if "CERTIFICATE" in str(error):
            raise CommandError(
                f"{server}: its certificate is not trusted", hint=str(error)
            ) from error
        raise TransientError(
            f"the platform at {server} does not answer", hint=place.away_hint
        ) from error
    except httpx.TimeoutException as error:
        raise TransientError(
            f"the platform at {server} took too long", hint="pai doctor"
        ) from error
    except httpx.HTTPError as error:
        raise TransientError(f"the connection to {server} broke: {error}") from error


def _check(response: httpx.Response, place: Place) -> None:
    """Raise what an error answer means."""
    if not response.is_error:
        return
    status, body = response.status_code, _decoded(response)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        error = _foreign(response, body, place)
    if status == httpx.codes.UNAUTHORIZED:
        error.setdefault("hint", "pai login HOST")
    faults = error.get("faults") or ()
    if faults:
        raise FaultsError([_fault(fault) for fault in faults])
    message = str(error.get("message") or f"HTTP status {status}")
    raise ApiError(status, str(error.get("code")), message, error.get("hint"))


def _decoded(response: httpx.Response) -> object:
    try:
        found: object = json.loads(response.content)
    except ValueError:
        return None
    return found


def _foreign(response: httpx.Response, body: object, place: Place) -> Json:
    """Return what an answer says that is not in the platform's own shape."""
    status = response.status_code
    if place.explain is None:
        return {"message": f"{response.request.url.path}: HTTP status {status}"}
    code, message, hint = place.explain(status, body, response.text)
    return {"code": code, "message": message, "hint": hint}


def _fault(fault: Json) -> Fault:
    path, message = fault.get("path"), str(fault.get("message"))
    text = f"{path}: {message}" if path and not message.startswith(f"{path}:") else message
    document = fault.get("document")
    where = f"document {document + 1}" if isinstance(document, int) else ""
    index = document if isinstance(document, int) else None
    return Fault(text, where, fault.get("hint"), index)


def _not_pai(http: httpx.Client) -> CommandError:
    return CommandError(f"{http.base_url} is not a Pai platform", hint="check the address")
