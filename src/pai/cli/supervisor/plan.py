"""Which processes a platform has. Pure."""

import sys
from dataclasses import dataclass
from pathlib import Path

from pai.cli.locations import DataDir
from pai.ir.settings import Settings

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"

# All that a child's environment may hold: keys in the user's shell are none of its business.
_PASSED_ON = frozenset(
    {
        "CONTAINER_HOST",
        "DOCKER_HOST",
        "HOME",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "PAI_DATA_DIR",
        "PAI_DEBUG",
        "PAI_HOME",
        "PATH",
        "PYTHONPATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
        "VIRTUAL_ENV",
        "XDG_RUNTIME_DIR",
    }
)


@dataclass(frozen=True)
class Probe:
    """How a child shows that it is ready: a socket that answers `/healthz`, or one that accepts.

    socket None: TCP at host and port.
    """

    host: str = LOOPBACK
    port: int = 0
    socket: Path | None = None


@dataclass(frozen=True)
class Child:
    """One process. stage: the highest stage is stopped first; several of a role share a probe."""

    name: str
    command: tuple[str, ...]
    probe: Probe
    stage: int = 1


def children(settings: Settings, data: DataDir, bridge: str | None) -> list[Child]:
    """Return every process of the platform, control first.

    bridge: the engine network's address, where sidecars reach the gateway; None = no engine.
    """
    control = Child("control", _module("control", data), Probe(socket=data.api_socket), stage=0)
    gateways = [
        Child(
            f"gateway-{worker}",
            (*_module("gateway", data, worker), *_listen(settings.gateway_port, LOOPBACK, bridge)),
            Probe(port=settings.gateway_port),
        )
        for worker in range(settings.gateway_workers)
    ]
    edge_address = EVERYWHERE if settings.public else LOOPBACK
    edges = [
        Child(
            f"edge-{worker}",
            (*_module("edge", data, worker), *_listen(settings.edge_port, edge_address)),
            Probe(port=settings.edge_port),
        )
        for worker in range(settings.edge_workers)
    ]
    return [control, *gateways, *edges]


def listeners(settings: Settings, bridge: str | None) -> list[tuple[str, int, str]]:
    """Return the address, port and setting of everything that will listen."""
    edge_address = EVERYWHERE if settings.public else LOOPBACK
    found = [
        (LOOPBACK, settings.api_port, "apiPort"),
        (LOOPBACK, settings.gateway_port, "gatewayPort"),
        (edge_address, settings.edge_port, "edgePort"),
    ]
    if bridge:
        found.append((bridge, settings.internal_port, "internalPort"))
        found.append((bridge, settings.gateway_port, "gatewayPort"))
    return found


def child_environment(own: dict[str, str]) -> dict[str, str]:
    """Return what of the environment `own` a child gets."""
    return {name: value for name, value in own.items() if name in _PASSED_ON} | {
        "PYTHONUNBUFFERED": "1"
    }


def _module(role: str, data: DataDir, worker: int | None = None) -> tuple[str, ...]:
    command = (sys.executable, "-m", f"pai.{role}", "--data", str(data.root))
    return command if worker is None else (*command, "--worker", str(worker))


def _listen(port: int, *addresses: str | None) -> tuple[str, ...]:
    return tuple(part for host in addresses if host for part in ("--listen", f"{host}:{port}"))
