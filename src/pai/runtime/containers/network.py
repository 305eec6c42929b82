"""The platform's one bridge, and who owns which address on it."""

import json
from typing import Any

import httpx

from pai.render import labels
from pai.render.names import network_name
from pai.runtime.containers.client import EngineClient
from pai.runtime.containers.lock import exclusive
from pai.runtime.errors import EngineRefusedError, EngineUnavailableError
from pai.runtime.protocol import NetworkInfo

_TAKEN = ("already exists", "already used")
# Docker alone can switch off traffic between containers of one bridge; a replica's own packet
# filter refuses it on every engine.
_DOCKER_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}


async def ensure_network(client: EngineClient, instance: str) -> NetworkInfo:
    """Return the bridge of an instance, made if it is missing. Safe to run in two processes."""
    name = network_name(instance)
    found = await _named(client, name)
    if not found:
        async with exclusive(name):
            found = await _named(client, name) or await _make(client, instance, name)
    if not found:
        raise EngineUnavailableError(f"network {name!r} went away as it was made")
    return _info(found[0], instance)


async def remove_network(client: EngineClient, instance: str) -> None:
    """Remove the bridge of an instance; nothing happens when there is none."""
    for found in await _named(client, network_name(instance)):
        if _is_ours(found, instance):
            await client.call("DELETE", f"/networks/{found['Id']}")


async def _make(client: EngineClient, instance: str, name: str) -> list[dict[str, Any]]:
    await _create(client, instance, name)
    found = await _named(client, name)
    await _remove_twins(client, found)
    return found


async def _named(client: EngineClient, name: str) -> list[dict[str, Any]]:
    """Return the networks of this very name, oldest first."""
    filters = json.dumps({"name": [name]})
    listed = await client.call("GET", "/networks", query={"filters": filters})
    found = [item for item in listed if item["Name"] == name]
    return sorted(found, key=lambda item: (str(item.get("Created", "")), str(item["Id"])))


async def _remove_twins(client: EngineClient, found: list[dict[str, Any]]) -> None:
    """Leave one network: Docker makes two of one name when two ask at once. The oldest stays."""
    for twin in found[1:]:
        try:
            await client.call("DELETE", f"/networks/{twin['Id']}")
        except EngineRefusedError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise


async def _create(client: EngineClient, instance: str, name: str) -> None:
    docker = (await client.info()).kind == "docker"
    body = {
        "Name": name,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Labels": {labels.INSTANCE: instance},
        "Options": _DOCKER_OPTIONS if docker else {},
    }
    try:
        await client.call("POST", "/networks/create", body=body)
    except EngineRefusedError as error:
        if not any(word in error.message for word in _TAKEN):
            raise


def _is_ours(document: dict[str, Any], instance: str) -> bool:
    return (document.get("Labels") or {}).get(labels.INSTANCE) == instance


def _info(document: dict[str, Any], instance: str) -> NetworkInfo:
    name = str(document["Name"])
    if not _is_ours(document, instance):
        raise EngineRefusedError(
            f"network {name!r} exists and is not of this platform",
            status=409,
            hint=f"remove it: `docker network rm {name}`",
        )
    for block in (document.get("IPAM") or {}).get("Config") or []:
        if block.get("Gateway"):
            return NetworkInfo(name=name, gateway=block["Gateway"], subnet=block["Subnet"])
    raise EngineRefusedError(f"network {name!r} has no gateway address", status=500)
