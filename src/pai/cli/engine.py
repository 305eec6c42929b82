"""The container engine, as far as the command line needs it: is it there, and what to tidy up."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.ir.settings import Settings
from pai.render import labels
from pai.runtime.containers.client import EngineClient
from pai.runtime.containers.execute import remove
from pai.runtime.containers.find import find_socket
from pai.runtime.containers.network import ensure_network
from pai.runtime.protocol import EngineInfo
from pai.store.instance_key import instance_id, load_or_create

T = TypeVar("T")

# The oldest that the contract tests pass on.
OLDEST = {"docker": (20, 10), "podman": (4, 3)}
_NAMES = {"docker": "Docker", "podman": "Podman"}
_AT_ONCE = 8
_GRACE_SECONDS = 10


@dataclass(frozen=True)
class EngineState:
    """What was found. has_image: the platform's own image."""

    info: EngineInfo
    has_image: bool


def look(settings: Settings) -> EngineState:
    """Return which engine answers. Raises PaiError when none does."""

    async def ask(client: EngineClient) -> EngineState:
        info = await client.info()
        found = await client.find(f"/images/{quote(settings.image)}/json")
        return EngineState(info, found is not None)

    return asyncio.run(_with_client(settings, ask))


def check_engine(settings: Settings) -> EngineState:
    """Return what was found; raises CommandError unless agents can be run with it."""
    state = look(settings)
    if is_too_old(state.info):
        raise CommandError(too_old(state.info), hint="install a newer one from your distribution")
    if not state.has_image:
        raise CommandError(missing_image(settings, state.info), hint=image_hint(settings))
    return state


def is_too_old(info: EngineInfo) -> bool:
    """Say whether the engine is older than what the platform is tested with."""
    return _version(info.version) < OLDEST[info.kind]


def too_old(info: EngineInfo) -> str:
    """Return what is wrong with an old engine."""
    oldest = ".".join(str(part) for part in OLDEST[info.kind])
    return f"{title(info)} is too old; {oldest} is the oldest that works"


def missing_image(settings: Settings, info: EngineInfo) -> str:
    """Return what is wrong when the platform's image is not there."""
    return f"{_NAMES[info.kind]} does not have the platform's image {settings.image}"


def image_hint(settings: Settings) -> str:
    """Return how to get the platform's image."""
    return (
        f"`make setup` in the project builds it; or pull it, or name another as image in "
        f"settings.toml (now {settings.image})"
    )


def title(info: EngineInfo) -> str:
    """Return name and version, as people say them."""
    return f"{_NAMES[info.kind]} {info.version}"


async def bridge_address(settings: Settings, data: DataDir) -> str:
    """Return the machine's address on the platform's network, which is made if it is missing."""

    async def ask(client: EngineClient) -> str:
        return (await ensure_network(client, _instance(data))).gateway

    return await _with_client(settings, ask)


def remove_containers(settings: Settings, data: DataDir) -> int:
    """Remove the containers of this data directory's platform; return how many there were.

    Volumes and the network stay.
    """
    if not (data.root / "instance.key").exists():
        return 0

    async def ask(client: EngineClient) -> int:
        mark = json.dumps({"label": [f"{labels.INSTANCE}={_instance(data)}"]})
        found = await client.call("GET", "/containers/json", query={"all": "true", "filters": mark})
        # Those that own a network namespace go last, so that nobody ends for want of a network.
        last = [item for item in found if _step(item) == "pause"]
        for group in ([item for item in found if item not in last], last):
            gate = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(_remove(client, item["Id"], gate) for item in group))
        return len(found)

    return asyncio.run(_with_client(settings, ask))


async def _with_client(settings: Settings, ask: Callable[[EngineClient], Awaitable[T]]) -> T:
    client = EngineClient(find_socket(settings.engine))
    try:
        return await ask(client)
    finally:
        await client.close()


def _instance(data: DataDir) -> str:
    """Return the id that control puts on everything of this platform."""
    return instance_id(load_or_create(data.root / "instance.key"))


async def _remove(client: EngineClient, identity: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        await remove(client, identity, _GRACE_SECONDS)


def _step(container: dict[str, dict[str, str]]) -> str:
    return (container.get("Labels") or {}).get(labels.STEP, "")


def _version(text: str) -> tuple[int, int]:
    """Return major and minor; what can't be read counts as new enough."""
    parts = text.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (IndexError, ValueError):
        return (9999, 0)
