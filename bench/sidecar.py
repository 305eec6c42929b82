"""The sidecar with TLS on both sides against nginx with TLS on both sides."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench import nginx
from bench.call import JSON, SSE, Call, bearer, body
from bench.load import Figures, measure
from bench.process import Running, free_port, running
from pai.clock import utc_now
from pai.control.pki import Authority, Leaf
from pai.ir.agent import Egress
from pai.ir.provider import Provider, SecretRef
from pai.ir.snapshot import Network, SidecarInbound, SidecarProvider, SidecarSnapshot

HOST = "api.bench.test"
CONTROL = "control.pai.internal"
PYTHON = sys.executable
DUMMY = "pai-dummy-bench-0123456789"


def certificates(folder: Path) -> tuple[Leaf, Leaf]:
    """Write ca.pem and the leaf of HOST as files; return the leaves of HOST and of control."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder / "ca", utc_now)
    host, control = authority.leaf("bench", [HOST]), authority.leaf("control", [CONTROL])
    for name, text in (("ca", authority.ca_pem), ("cert", host.cert_pem), ("key", host.key_pem)):
        (folder / f"{name}.pem").write_text(text)
    return host, control


def snapshot(upstream: int, host: Leaf, ca_pem: str) -> SidecarSnapshot:
    """One provider that leads to the mock."""
    provider = Provider(
        name="bench",
        type="http-token",
        hosts=(HOST,),
        auth_type="api-key",
        secret=SecretRef("bench", "token"),
        env_var="BENCH_TOKEN",
    )
    entry = SidecarProvider(
        provider=provider, credential={"token": "real-bench-token-0123456789"}, dummy=DUMMY
    )
    return SidecarSnapshot(
        version=1,
        agent="default/bench",
        replica=0,
        gateway="http://127.0.0.1:9",
        gateway_token="unused",
        llm_hosts=(),
        llm_dummies=(),
        providers=(entry,),
        cert_pem=host.cert_pem,
        key_pem=host.key_pem,
        inbound=SidecarInbound(port=None, allow_cidrs=(), edge_token="unused"),
        egress=Egress(),
        network=Network(
            nameservers=("127.0.0.1:9",),
            private_upstreams=("127.0.0.0/8",),
            static_hosts={HOST: f"127.0.0.1:{upstream}"},
            extra_ca_pem=ca_pem,
        ),
    )


@contextmanager
def sidecar(folder: Path, upstream: int, port: int) -> Iterator[Running]:
    """A sidecar with its backstage."""
    host, control = certificates(folder / "tls")
    control_port = free_port()
    ca_pem = (folder / "tls" / "ca.pem").read_text()
    files = {
        "snapshot.json": msgspec.json.encode(snapshot(upstream, host, ca_pem)),
        "control.pem": control.cert_pem.encode(),
        "control.key": control.key_pem.encode(),
        "bootstrap.json": json.dumps(
            {
                "control": f"https://127.0.0.1:{control_port}",
                "ca_pem": ca_pem,
                "server_name": CONTROL,
                "credential": "bench",
            }
        ).encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    backstage = [PYTHON, "-m", "bench.backstage", "sidecar", str(folder)]
    backstage += [str(folder / name) for name in ("snapshot.json",)]
    backstage += [str(control_port), str(folder / "control.pem"), str(folder / "control.key")]
    others = [free_port() for _ in range(4)]
    listen = ",".join(map(str, [*others, port, "127.0.0.1"]))
    command = [PYTHON, "-m", "pai.sidecar", "--bootstrap", str(folder / "bootstrap.json")]
    with (
        running(backstage, ready=control_port, cpu=1, log=folder / "backstage.log"),
        running([*command, "--listen", listen], ready=port, cpu=0, log=folder / "sidecar.log") as s,
    ):
        time.sleep(1)  # its first snapshot
        yield s


def figures(folder: Path) -> list[Figures]:
    """Measure both, JSON and streams, in turn."""
    mock, plain, ours = free_port(), free_port(), free_port()
    certificates(folder / "tls")
    tls = {name: str(folder / "tls" / f"{name}.pem") for name in ("ca", "cert", "key")}
    yardstick = nginx.command(folder / "nginx", plain, mock, {**tls, "host": HOST})
    found = []
    with (
        running(
            [PYTHON, "-m", "bench.mock", str(mock), "--tls", tls["cert"], tls["key"]],
            ready=mock,
            cpu=1,
        ),
        running(yardstick, ready=plain, cpu=0, log=folder / "nginx.log") as other,
        sidecar(folder, mock, ours) as own,
    ):
        for shape in (JSON, SSE):
            text = body(shape, "gpt-test")
            for name, port, target in (("nginx TLS", plain, other), ("sidecar TLS", ours, own)):
                call = Call(port, text, bearer(DUMMY), host=HOST, scheme="https")
                found.append(measure(f"{name} {shape.name}", call, target))
    return found
