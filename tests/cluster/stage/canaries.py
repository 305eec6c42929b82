"""The leak oracle: what is secret in a cluster, and where it is found.

Searched for are both canary keys, and all that the platform keeps in Secrets of its own: the
instance key, the authority's key, credentials of gateway, edge and sidecar, and agents' tokens.
"""

import asyncio
import base64
import re

import msgspec
from tests.cluster.stage.platform import SYSTEM_NAMESPACE, Platform

from pai.ir.snapshot import EdgeSnapshot, SidecarSnapshot
from pai.wire.feed import Bootstrap, ControlLink

SPACE = "leaks"
NAMESPACES = (SPACE, SYSTEM_NAMESPACE)
_PEM_KEY = re.compile(r"PRIVATE KEY-----\n(.*?)\n")


def canaries_of(platform: Platform) -> dict[str, str]:
    """Return what must be found nowhere, by what it is; the agent `probe` runs."""
    found = {"the vendor's key": platform.world.llm_key, "the token": platform.world.notes_key}
    for namespace in NAMESPACES:
        for item in platform.cluster.get("secrets", "-n", namespace)["items"]:
            name = item["metadata"]["name"]
            for entry, value in item.get("data", {}).items():
                for secret in secrets_of(base64.b64decode(value)):
                    found.setdefault(f"{name}/{entry}/{len(secret)}", secret)
    sidecar, edge = snapshots(platform)
    found["the agent's gateway token"] = sidecar.gateway_token
    found["the key of its TLS door"] = private_key(sidecar.key_pem)
    found |= {f"edge token of {route.agent}": route.edge_token for route in edge.routes}
    kinds = " ".join(found)
    assert all(part in kinds for part in ("pai-keys/instance.key", "pai-keys/ca.pem"))
    assert all(f"pai-{part}-bootstrap/" in kinds for part in ("edge", "gateway"))
    assert "pai-probe-sidecar/bootstrap.json" in kinds
    return found


def secrets_of(value: bytes) -> list[str]:
    """Return what is secret of an entry: of a bootstrap file the credential, of PEM the key."""
    if value.startswith(b"{"):
        return [msgspec.json.decode(value, type=Bootstrap).credential]
    if b"-----BEGIN" in value:
        return [private_key(value.decode())] if b"PRIVATE KEY" in value else []
    try:
        return [value.decode("ascii")]
    except UnicodeDecodeError:
        return [base64.b64encode(value).decode(), value.hex()]


def private_key(pem: str) -> str:
    """Return the first line of a private key, which is no one else's."""
    found = _PEM_KEY.search(pem)
    assert found, "no private key"
    return found[1]


def snapshots(platform: Platform) -> tuple[SidecarSnapshot, EdgeSnapshot]:
    """Return what control tells the probe's sidecar, and the edge."""

    async def ask(name: str, namespace: str, replica: int | None) -> bytes:
        data = platform.cluster.get("secret", name, "-n", namespace)["data"]
        content = base64.b64decode(data["bootstrap.json"])
        link = ControlLink.remote(msgspec.json.decode(content, type=Bootstrap), replica)
        try:
            return (await link.call("GET", "snapshot?after=0&wait=0")).body
        finally:
            link.close()

    sidecar = asyncio.run(ask("pai-probe-sidecar", SPACE, 0))
    edge = asyncio.run(ask("pai-edge-bootstrap", SYSTEM_NAMESPACE, None))
    return (
        msgspec.json.decode(sidecar, type=SidecarSnapshot),
        msgspec.json.decode(edge, type=EdgeSnapshot),
    )


def forms(secret: str) -> list[bytes]:
    """Return a secret as it is, and in base64 wherever in a value it stands."""
    raw = secret.encode()
    shifted = [(lead, base64.b64encode(b"." * lead + raw)) for lead in range(3)]
    return [raw, *(text[-(-lead * 8 // 6) : (lead + len(raw)) * 8 // 6] for lead, text in shifted)]


def found_in(data: str, canaries: dict[str, str]) -> list[str]:
    """Return which secrets a text holds, by what they are."""
    raw = data.encode()
    return [what for what, secret in canaries.items() if any(f in raw for f in forms(secret))]


def assert_clean(where: str, data: str, canaries: dict[str, str]) -> None:
    """Fail without printing what was found."""
    found = found_in(data, canaries)
    assert found == [], f"{where} holds {found}"
