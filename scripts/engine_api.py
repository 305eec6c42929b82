"""The few calls of the Docker Engine API that building an image takes; Docker and Podman alike."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

CHUNK_BYTES = 1 << 20


class EngineCallError(Exception):
    """The engine said no, or can't be reached."""


class Engine:
    """A container engine behind a unix socket. url: `unix:///path/to/socket`."""

    def __init__(self, url: str) -> None:
        if not url.startswith("unix://"):
            raise EngineCallError(f"{url}: only unix:// sockets are supported here")
        self.url = url
        transport = httpx.HTTPTransport(uds=url.removeprefix("unix://"))
        timeout = httpx.Timeout(600.0, connect=5.0)
        self._http = httpx.Client(transport=transport, base_url="http://engine", timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Make one call. Raises EngineCallError with the engine's own message."""
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise EngineCallError(f"{self.url}: {error}") from error
        if answer.status_code >= 400:
            raise EngineCallError(f"{method} {path}: {_message(answer)}")
        return answer

    def inspect(self, image: str) -> dict[str, Any] | None:
        """Return what the engine knows of an image, or None when it has none of that name."""
        try:
            known: dict[str, Any] = self.call("GET", f"/images/{image}/json").json()
        except EngineCallError:
            self.call("GET", "/_ping")  # tells an absent image from an absent engine
            return None
        return known

    def label(self, image: str, name: str) -> str | None:
        """Return one label of an image, or None."""
        known = self.inspect(image) or {}
        labels = (known.get("Config") or {}).get("Labels") or {}
        value = labels.get(name)
        return None if value is None else str(value)

    def import_tar(self, tar: Path, image: str, changes: list[str]) -> None:
        """Make an image of one layer from a root file system."""
        repository, _, tag = image.rpartition(":")
        parameters: dict[str, Any] = {"fromSrc": "-", "repo": repository, "tag": tag}
        parameters["changes"] = changes
        answer = self.call("POST", "/images/create", params=parameters, content=_chunks(tar))
        for line in answer.text.splitlines():
            if line.strip() and "error" in json.loads(line):
                raise EngineCallError(f"import of {image}: {json.loads(line)['error']}")

    def remove_image(self, image_id: str) -> None:
        """Remove an image that lost its name; it stays while a container uses it."""
        try:
            self.call("DELETE", f"/images/{image_id}")
        except EngineCallError:
            self.call("GET", "/_ping")


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))
    except ValueError:
        return answer.text.strip() or str(answer.status_code)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
