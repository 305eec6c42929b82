"""The agent tries every way out and every way around; each is refused fast, and logged."""

import json
import time

import pytest
from tests.e2e.stage.attempts import (
    ATTEMPTS,
    DNS_ATTEMPTS,
    names_nothing,
    run_attempt,
    stopped,
)
from tests.e2e.stage.installation import Platform, agent_yaml

pytestmark = pytest.mark.engine

# what only a machine's engine has
ENGINE_ATTEMPTS = {
    "container dns by its own port": (
        "lambda: [udp('127.0.0.11', int(l.split()[1].split(':')[1], 16), query('evil.test'))"
        " for l in open('/proc/net/udp').read().splitlines()[1:]"
        " if l.split()[1].startswith('0B00007F')] or (_ for _ in ()).throw(OSError('no such port'))"
    ),
    "the gateway on the bridge": (
        "lambda: tcp({bridge!r}, {gateway}, b'GET /v1/models HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "the internal api": "lambda: tcp({bridge!r}, {internal}, b'hello')",
    "the public api on the bridge": (
        "lambda: tcp({bridge!r}, {api}, b'GET /healthz HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "the host's ssh": "lambda: tcp({bridge!r}, 22)",
}
EVERY_ATTEMPT = {**ATTEMPTS, **ENGINE_ATTEMPTS}


@pytest.fixture(scope="module")
def other_address(platform: Platform) -> str:
    """Address of another agent on the same platform."""
    platform.apply(agent_yaml("victim"), "--wait", "--timeout", "60")
    for container in platform.engine_command("ps", "--format", "{{.Names}}").split():
        if "victim" in container and "pause" in container:
            networks = json.loads(platform.engine_command("inspect", container))[0]
            found = networks["NetworkSettings"]["Networks"].values()
            return str(next(iter(found))["IPAddress"])
    raise AssertionError("no container of the other agent")


def bridge_of(address: str) -> str:
    """Return the bridge's own address: the first of the network."""
    return ".".join([*address.split(".")[:3], "1"])


def attempt(platform: Platform, probe: str, code: str, **facts: object) -> dict[str, object]:
    """Run one attempt in the agent."""
    return run_attempt(
        lambda text: platform.run_in(probe, text), platform.world.address, code, **facts
    )


DECLARED = ("llm.test", "api.notes.test", "open.test")


def contacts(platform: Platform) -> list[dict[str, object]]:
    """What reached the world besides our own resolver's questions for declared hosts."""
    return [
        event
        for event in platform.world.journal()
        if not (event["kind"] == "udp" and event["name"] in DECLARED)
    ]


@pytest.mark.parametrize("name", EVERY_ATTEMPT)
def test_no_way_out(platform: Platform, probe: str, other_address: str, name: str) -> None:
    before = contacts(platform)
    facts = {**platform.ports, "bridge": bridge_of(other_address), "other": other_address}
    result = attempt(platform, probe, EVERY_ATTEMPT[name], **facts)
    assert stopped(str(result["outcome"])), result
    assert float(str(result["seconds"])) < 1.0, result
    assert contacts(platform) == before


@pytest.mark.parametrize("name", DNS_ATTEMPTS)
def test_no_name_leaves(platform: Platform, probe: str, name: str) -> None:
    before = contacts(platform)
    result = attempt(platform, probe, DNS_ATTEMPTS[name])
    assert names_nothing(str(result["outcome"])), result
    assert float(str(result["seconds"])) < 1.0, result
    assert contacts(platform) == before


def test_refusals_are_logged_with_a_reason(platform: Platform, probe: str) -> None:
    for name in ("direct ip raw port", "direct ip 80", "unknown sni", "sni is not host"):
        attempt(platform, probe, ATTEMPTS[name])
    attempt(platform, probe, DNS_ATTEMPTS["data in names"])
    wanted = ("evil.test", "tunnel.test", platform.world.address)
    end = time.monotonic() + 15
    while True:
        denied = [r for r in platform.audit(probe) if r["decision"] == "denied"]
        seen = {want for want in wanted if any(want in json.dumps(r) for r in denied)}
        if seen == set(wanted) or time.monotonic() > end:
            break
        time.sleep(0.3)
    assert seen == set(wanted)
    assert all(record["reason"] for record in denied)


def test_a_host_that_was_allowed_passes_untouched(platform: Platform) -> None:
    spec = "  egress:\n    allow: [{host: open.test, ports: [443, 9999]}]\n"
    platform.apply(agent_yaml("opener", spec), "--wait", "--timeout", "60")
    ca = platform.world.ca_file.read_text()
    code = f"""
import ssl, socket
context = ssl.create_default_context(cadata={ca!r})
with socket.create_connection(("open.test", 443), 5) as raw, \\
        context.wrap_socket(raw, server_hostname="open.test") as s:
    s.sendall(b"GET /hello HTTP/1.1\\r\\nhost: open.test\\r\\nconnection: close\\r\\n\\r\\n")
    print(s.recv(100).split(b"\\r\\n")[0])
with socket.create_connection(("open.test", 9999), 5) as s:
    print(s.recv(100))
try:
    socket.create_connection(("open.test", 22), 3).recv(10) or print("closed")
except OSError as error:
    print("refused")
"""
    lines = platform.run_in("opener", code).splitlines()
    assert lines[0] == "b'HTTP/1.1 200 OK'", lines
    assert lines[1] == "b'reached\\n'", lines
    assert lines[2] in ("closed", "refused"), lines
    platform.pai("delete", "agent", "opener", "--wait")
