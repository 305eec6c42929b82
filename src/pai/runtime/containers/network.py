"""The platform's one bridge, and who owns which address on it."""

from typing import Any

from pai.render import labels
from pai.render.names import network_name
from pai.runtime.containers.client import EngineClient
from pai.runtime.errors import EngineRefusedError
from pai.runtime.protocol import NetworkInfo

_TAKEN = ("already exists", "already used")
# Docker alone can switch off traffic between containers of one bridge; a replica's own packet
# filter refuses it on every engine.
_DOCKER_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}


async def ensure_network(client: EngineClient, instance: str) -> NetworkInfo:
    """Return the bridge of an instance, made if it is missing. Safe to run in two processes."""
    name = network_name(instance)
    found = await client.find(f"/networks/{name}")
    if found is None:
        await _create(client, instance, name)
        found = await client.call("GET", f"/networks/{name}")
    return _info(found, instance)


async def remove_network(client: EngineClient, instance: str) -> None:
    """Remove the bridge of an instance; nothing happens when there is none."""
    name = network_name(instance)
    found = await client.find(f"/networks/{name}")
    if found is not None and (found.get("Labels") or {}).get(labels.INSTANCE) == instance:
        await client.call("DELETE", f"/networks/{name}")


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


def _info(document: dict[str, Any], instance: str) -> NetworkInfo:
    name = str(document["Name"])
    if (document.get("Labels") or {}).get(labels.INSTANCE) != instance:
        raise EngineRefusedError(
            f"network {name!r} exists and is not of this platform",
            status=409,
            hint=f"remove it: `docker network rm {name}`",
        )
    for block in (document.get("IPAM") or {}).get("Config") or []:
        if block.get("Gateway"):
            return NetworkInfo(name=name, gateway=block["Gateway"], subnet=block["Subnet"])
    raise EngineRefusedError(f"network {name!r} has no gateway address", status=500)
