"""A sidecar on loopback with the world around it: a CA, services, a gateway, an agent's port."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pai.ir.agent import Egress, EgressRule
from pai.ir.provider import HttpRule, Policy, Provider, SecretRef
from pai.ir.snapshot import Network, SidecarInbound, SidecarProvider, SidecarSnapshot
from pai.sidecar.audit import AuditLog
from pai.sidecar.doors import Destination
from pai.sidecar.listeners import Listeners, Ports
from pai.sidecar.process import Sidecar
from pai.wire.limits import ServerLimits
from pai.wire.tls import server_context

HOST = "api.weather.test"
OTHER = "api.other.test"
LLM_HOST = "api.openai.test"
OPEN = "open.test"
TOKEN = "real-Token/42+abcdefghijkl"
OTHER_TOKEN = "other-Token/77+mnopqrstuvwx"
DUMMY = "pai-dummy-weather-0123456789"
OTHER_DUMMY = "pai-dummy-other-9876543210"
LLM_DUMMY = "sk-PaiDummy00000000000000000000"
EDGE = "edge-token-of-the-stage"
GATEWAY_TOKEN = "pai_gw_stage"
LOCAL_PORTS = Ports(0, 0, 0, 0, 0, "127.0.0.1")
POD_PORTS = Ports(0, 0, 0, 0, 0, "127.0.0.1", 0, 0)


class Ca:
    """Signs leaves for any names."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stage")])
        self._cert = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self._cert.public_bytes(serialization.Encoding.PEM).decode()

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)  # noqa: TID251
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    def leaf(self, *names: str) -> tuple[str, str]:
        """Return certificate and key, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(alternative, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return (
            certificate.public_bytes(pem).decode(),
            key.private_bytes(pem, pkcs8, plain).decode(),
        )


@dataclass
class Seen:
    """One request as a service got it."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    port: int = 0

    def get(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


Responder = Callable[[Seen], bytes]


def answer(body: bytes = b"ok", status: str = "200 OK", **headers: str) -> bytes:
    fields = {"content-length": str(len(body)), **headers}
    lines = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


class Service:
    """An HTTP/1.1 server that remembers what it got. raw: takes over a connection."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.respond: Responder = lambda seen: answer()
        self.chunks: list[bytes] | None = None
        self.closes = False
        self.pause_seconds: Callable[[Seen], float] = lambda seen: 0.0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        seen = await read_message(reader)
        seen.port = writer.get_extra_info("peername")[1]
        self.seen.append(seen)
        await asyncio.sleep(self.pause_seconds(seen))
        if self.chunks is None:
            writer.write(self.respond(seen))
        else:
            for chunk in self.chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(0.01)
        await writer.drain()
        if "101" in seen.line or seen.get("upgrade"):
            while data := await reader.read(65536):
                writer.write(data)
            return False
        if self.closes:  # let the answer arrive before the end of the connection does
            await asyncio.sleep(0.1)
        return not self.closes


async def read_message(reader: asyncio.StreamReader) -> Seen:
    """Read one request or response, body included."""
    block = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = block[:-4].split("\r\n")
    headers = [
        (name.lower(), value.strip()) for name, _, value in (f.partition(":") for f in fields)
    ]
    found = Seen(line, headers, b"")
    if lengths := found.get("content-length"):
        found.body = await reader.readexactly(int(lengths[0]))
    elif "chunked" in found.get("transfer-encoding"):
        while size := int(await reader.readline(), 16):
            found.body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return found


@dataclass
class Stage:
    """The sidecar and everything around it."""

    ca: Ca
    weather: Service
    other: Service
    gateway: Service
    agent: Service
    open: Service
    sidecar: Sidecar
    listeners: Listeners
    records: list[bytes] = field(default_factory=list)
    went: tuple[str, int] | None = None

    async def tls(self, sni: str | None = HOST) -> "Client":
        context = ssl.create_default_context(cadata=self.ca.pem)
        if sni is None:
            context.check_hostname = False
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.listeners.bound.tls, ssl=context, server_hostname=sni or ""
        )
        return Client(reader, writer)

    async def to(self, port: str) -> "Client":
        where = getattr(self.listeners.bound, port)
        return Client(*await asyncio.open_connection("127.0.0.1", where))

    def audit(self) -> str:
        return b"\n".join(self.records).decode()

    def apply(self, snapshot: SidecarSnapshot) -> None:
        self.sidecar.apply(snapshot)

    @property
    def snapshot(self) -> SidecarSnapshot:
        return self.sidecar.state.snapshot


class Client:
    """The agent's side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> Seen:
        """Send bytes as they are and read one response."""
        self.writer.write(request)
        async with asyncio.timeout(10):
            return await read_message(self.reader)

    async def get(self, path: str = "/v1/now", host: str = HOST, *fields: str) -> Seen:
        return await self.ask(request("GET", path, host, *fields))

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


def request(method: str, path: str, host: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", *fields]
    if body:
        lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def weather_provider(**changes: object) -> Provider:
    plain = Provider(
        name="weather",
        type="http-token",
        hosts=(HOST,),
        auth_type="api-key",
        secret=SecretRef("weather", "token"),
        policy=Policy(
            allow=("get", "post", "put"),
            http_rules=(HttpRule("deny", (), ("/admin/**",)),),
        ),
    )
    return msgspec.structs.replace(plain, **changes)


def providers(weather: Provider | None = None, token: str = TOKEN) -> tuple[SidecarProvider, ...]:
    other = Provider(
        name="other", type="http-token", hosts=(OTHER,), auth_type="api-key",
        secret=SecretRef("other", "token"),
    )  # fmt: skip
    return (
        SidecarProvider(
            provider=weather or weather_provider(), credential={"token": token}, dummy=DUMMY
        ),
        SidecarProvider(provider=other, credential={"token": OTHER_TOKEN}, dummy=OTHER_DUMMY),
    )


@asynccontextmanager
async def open_stage(
    *,
    weather: Provider | None = None,
    egress: Egress = Egress(allow=(EgressRule(OPEN, (443, 80, 9999)),)),  # noqa: B008
    destination: Destination | None = None,
    open_tls: bool = True,
    ports: Ports = LOCAL_PORTS,
) -> AsyncIterator[Stage]:
    ca = Ca()
    services = [Service() for _ in range(5)]
    weather_service, other, gateway, agent, opened = services
    await weather_service.start(server_context(*ca.leaf(HOST)))
    await other.start(server_context(*ca.leaf(OTHER)))
    await gateway.start()
    await agent.start()
    await opened.start(server_context(*ca.leaf(OPEN)) if open_tls else None)
    cert, key = ca.leaf(HOST, OTHER, LLM_HOST)
    snapshot = SidecarSnapshot(
        version=1, agent="default/probe", replica=0,
        gateway=f"http://127.0.0.1:{gateway.port}", gateway_token=GATEWAY_TOKEN,
        llm_hosts=(LLM_HOST,), llm_dummies=(LLM_DUMMY,), providers=providers(weather),
        cert_pem=cert, key_pem=key, egress=egress,
        inbound=SidecarInbound(
            port=agent.port, allow_cidrs=("203.0.113.0/24",), edge_token=EDGE
        ),
        network=Network(
            nameservers=("127.0.0.1:1",), private_upstreams=("127.0.0.0/8",),
            static_hosts={
                HOST: f"127.0.0.1:{weather_service.port}",
                OTHER: f"127.0.0.1:{other.port}",
                OPEN: f"127.0.0.1:{opened.port}",
            },
            extra_ca_pem=ca.pem,
        ),
    )  # fmt: skip
    records: list[bytes] = []
    audit = AuditLog(records.append)
    sidecar = Sidecar(audit)
    sidecar.apply(snapshot)
    stage: Stage | None = None

    def went(sock: object) -> tuple[str, int] | None:
        return stage.went if stage is not None else None

    listeners = Listeners(
        ports,
        lambda: sidecar.state,
        audit,
        ServerLimits(linger_seconds=0.3),
        destination or went,
    )
    listeners.bind()
    await listeners.start_probes()
    await listeners.start()
    stage = Stage(ca, weather_service, other, gateway, agent, opened, sidecar, listeners, records)
    try:
        yield stage
    finally:
        await listeners.stop(1.0)
        sidecar.state.close()
        for service in services:
            await service.stop()
