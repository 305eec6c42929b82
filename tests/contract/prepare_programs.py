"""Programs of the prepare test, run in containers with `python3 -c`."""

# Stands for the internet: answers on every listed port and says what it was sent.
WORLD = """
import asyncio, sys
class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, peer):
        print("udp", data.decode(), flush=True)
        self.transport.sendto(b"world", peer)
async def serve(reader, writer):
    writer.write(b"world"); await writer.drain(); writer.close()
async def main():
    loop = asyncio.get_running_loop()
    for port in (22, 53, 80, 443, 9999):
        await asyncio.start_server(serve, "0.0.0.0", port)
    for port in (53, 443, 9999):
        await loop.create_datagram_endpoint(Datagrams, local_addr=("0.0.0.0", port))
    print("ready", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""

# Stands for the sidecar: says on which port a connection came in and where it was meant to go.
SIDECAR = """
import asyncio, socket, struct, sys
world = sys.argv[1]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.bind(("0.0.0.0", 40000)); s.settimeout(5)
    s.sendto(b"from-sidecar", (world, 9999)); assert s.recv(99) == b"world"
with socket.create_connection((world, 443), 5) as s:
    assert s.recv(99) == b"world"
class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, peer): self.transport.sendto(b"8053", peer)
async def serve(reader, writer):
    s = writer.get_extra_info("socket")
    meant = "-"
    if s.family == socket.AF_INET:
        try:
            raw = s.getsockopt(socket.SOL_IP, 80, 16)
            meant = socket.inet_ntoa(raw[4:8]) + ":" + str(struct.unpack(">H", raw[2:4])[0])
        except OSError: pass
    here = str(s.getsockname()[1])
    writer.write((here + " " + meant).encode()); await writer.drain(); writer.close()
async def main():
    loop = asyncio.get_running_loop()
    for port in (8000, 8053): await asyncio.start_server(serve, "127.0.0.1", port)
    for port in (8081, 8082, 8443): await asyncio.start_server(serve, "0.0.0.0", port)
    await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 8053))
    print("ready", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""

# The agent's attempts: each ends as what was answered, or as "refused ERROR"; and how long it took.
PROBE = """
import errno, json, socket, sys, time
world = sys.argv[1]
def tcp(host, port, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5); s.connect((host, port)); return s.recv(99).decode()
def udp(host, port, source=0, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.bind(("", source)); s.settimeout(5); s.connect((host, port))
        s.send(b"from-agent"); return s.recv(99).decode()
def ping(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
        s.settimeout(5); s.connect((host, 0)); s.send(bytes([8, 0, 0, 0, 0, 1, 0, 1]))
        s.recv(99); return "answered"
def embedded():
    # Docker's resolver listens on a random port of 127.0.0.11
    found = [l.split()[1] for k in ("udp", "tcp") for l in open("/proc/net/" + k).readlines()[1:]]
    ports = [int(f.split(":")[1], 16) for f in found if f.startswith("0B00007F:")]
    for port in ports:
        for kind in (udp, tcp):
            try: return kind.__name__ + " " + kind("127.0.0.11", port)
            except OSError: pass
    return "closed"
def raw(): socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP).close(); return "open"
def packet(): socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(); return "open"
six = socket.AF_INET6
tries = {
    "tls": lambda: tcp("203.0.113.7", 443), "http": lambda: tcp("203.0.113.7", 80),
    "ssh": lambda: tcp(world, 22), "any port": lambda: tcp(world, 9999),
    "world tls": lambda: tcp(world, 443), "metadata": lambda: tcp("169.254.169.254", 80),
    "loopback tls": lambda: tcp("127.0.0.1", 443), "loopback http": lambda: tcp("127.0.0.1", 80),
    "gateway": lambda: tcp("127.0.0.1", 8000), "dns": lambda: udp("8.8.8.8", 53),
    "dns tcp": lambda: tcp("8.8.8.8", 53), "world dns": lambda: udp(world, 53),
    "engine dns": lambda: udp("127.0.0.11", 53), "engine dns, random port": embedded,
    "other loopback": lambda: tcp("127.0.0.2", 8081),
    "quic": lambda: udp(world, 443), "udp": lambda: udp(world, 9999),
    "flow of the sidecar": lambda: udp(world, 9999, 40000), "ping": lambda: ping(world),
    "raw socket": raw, "packet socket": packet,
    "six tls": lambda: tcp("2001:db8::1", 443, six),
    "six udp": lambda: udp("2001:db8::1", 9999, 0, six),
    "six dns": lambda: udp("2001:db8::1", 53, 0, six),
    "six metadata": lambda: tcp("fd00:ec2::254", 80, six),
    "multicast": lambda: udp("224.0.0.251", 5353),
    "broadcast": lambda: udp("255.255.255.255", 9999),
}
results = {}
for name, attempt in tries.items():
    started = time.monotonic()
    try: outcome = attempt()
    except OSError as error: outcome = "refused " + (errno.errorcode.get(error.errno) or str(error))
    results[name] = [outcome, time.monotonic() - started]
print(json.dumps(results))
"""

# From another container of the same network: which doors of the replica are open?
OUTSIDE = """
import errno, json, socket, sys, time
replica = sys.argv[1]
def tcp(port):
    with socket.create_connection((replica, port), 5) as s: return s.recv(99).decode()
def udp(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5); s.connect((replica, port)); s.send(b"x"); return s.recv(99).decode()
tries = {f"tcp {p}": (lambda p=p: tcp(p)) for p in (8000, 8053, 8081, 8082, 8443, 9000, 9)}
tries |= {f"udp {p}": (lambda p=p: udp(p)) for p in (53, 8053, 9000)}
results = {}
for name, attempt in tries.items():
    started = time.monotonic()
    try: outcome = attempt()
    except OSError as error: outcome = "refused " + (errno.errorcode.get(error.errno) or str(error))
    results[name] = [outcome, time.monotonic() - started]
print(json.dumps(results))
"""

# An agent that listens everywhere on port 9000.
LISTENER = """
import socket, time
t = socket.create_server(("0.0.0.0", 9000)); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("0.0.0.0", 9000)); print("ready", flush=True)
while True:
    c, _ = t.accept(); c.send(b"agent"); c.close()
"""

LIST_FILES = """
import json, os, sys
found = {}
for top in sys.argv[1:]:
    for here, directories, files in os.walk(top):
        for path in [here, *(os.path.join(here, f) for f in files)]:
            s = os.stat(path)
            found[path] = [s.st_uid, oct(s.st_mode & 0o7777), s.st_size]
print(json.dumps(found))
"""
