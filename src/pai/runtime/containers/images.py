"""Images: what is there, and pulls that go on in the background with their progress."""

import json
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from pai.errors import PaiError
from pai.reconcile import ImageState
from pai.runtime.containers.client import EngineClient
from pai.runtime.errors import EngineRefusedError
from pai.wire.tasks import spawn

_ERROR_LENGTH = 300


class Images:
    """Know which images are there; fetch those that are not, each once at a time.

    on_change: called when a pull ended, either way. What failed is only remembered here: after a
    restart it is tried anew.
    """

    def __init__(
        self, client: EngineClient, now: Callable[[], datetime], on_change: Callable[[], None]
    ) -> None:
        self._client, self._now, self._on_change = client, now, on_change
        self._states: dict[str, ImageState] = {}

    async def states(self, images: Collection[str]) -> dict[str, ImageState]:
        """Return the state of each image asked for."""
        return {image: await self._state(image) for image in sorted(set(images))}

    def pull(self, image: str) -> None:
        """Begin to pull an image, unless that is under way."""
        state = self._states.get(image, ImageState(present=False))
        if state.progress is None:
            self._states[image] = msgspec.structs.replace(state, progress="starts")
            spawn(self._pull(image), f"pull {image}")

    async def _state(self, image: str) -> ImageState:
        if await self._client.find(f"/images/{quote(image)}/json") is not None:
            return ImageState(present=True)
        return self._states.get(image, ImageState(present=False))

    async def _pull(self, image: str) -> None:
        try:
            await self._stream(image)
            self._states.pop(image, None)
        except (PaiError, ValueError) as error:
            before = self._states.get(image, ImageState(present=False))
            self._states[image] = ImageState(
                present=False,
                error=str(error)[:_ERROR_LENGTH],
                failed_at=self._now(),
                failures=before.failures + 1,
            )
        finally:
            self._on_change()

    async def _stream(self, image: str) -> None:
        name, tag = split_reference(image)
        layers = Layers()
        query = {"fromImage": name, "tag": tag}
        async with self._client.stream("POST", "/images/create", query) as answer:
            async for line in answer.aiter_lines():
                if not line.strip():
                    continue
                note = json.loads(line)
                if error := note.get("error"):
                    raise EngineRefusedError(" ".join(str(error).split()), status=500)
                text = layers.feed(note)
                before = self._states.get(image, ImageState(present=False))
                self._states[image] = msgspec.structs.replace(before, progress=text)


class Layers:
    """Sum up a pull's notes, which come layer by layer."""

    def __init__(self) -> None:
        self._bytes: dict[str, tuple[int, int]] = {}

    def feed(self, note: dict[str, Any]) -> str:
        """Take one note, return the progress as text."""
        detail = note.get("progressDetail") or {}
        if note.get("status") == "Downloading" and detail.get("total"):
            self._bytes[str(note.get("id"))] = (int(detail["current"]), int(detail["total"]))
        done = sum(current for current, _ in self._bytes.values())
        total = sum(size for _, size in self._bytes.values())
        if not total:
            return str(note.get("status", "starts"))[:80]
        return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"


def split_reference(image: str) -> tuple[str, str]:
    """Return an image's full name and its tag or digest; Docker Hub's short names are completed.

    Source: https://github.com/distribution/reference, normalize.go.
    """
    name, _, digest = image.partition("@")
    last = name.rsplit("/", 1)[-1]
    tag = digest
    if ":" in last:
        name, _, own = name.rpartition(":")
        tag = digest or own
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not (set(".:") & set(first)) and first != "localhost":
        name = f"docker.io/{name}"
    return name, tag or "latest"
