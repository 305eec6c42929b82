"""A whole platform of its own: data directory, ports, processes and engine objects."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
import tomli_w
from tests.e2e.stage.internet import Internet

AGENT_IMAGE = "localhost/pai-quickstart:latest"
T = TypeVar("T")
PROBE = Path(__file__).with_name("probe.py").read_text()


@dataclass
class Platform:
    """`pai up` with everything in `home`. engine: `docker` or `podman`, and its socket's URL."""

    home: Path
    engine: str
    engine_url: str
    world: Internet
    ports: dict[str, int] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    more_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def env(self) -> dict[str, str]:
        """Environment of our commands."""
        own = {"PAI_HOME": str(self.home), "PAI_DATA_DIR": str(self.data), "NO_COLOR": "1"}
        return {**os.environ, **own}

    def write_settings(self) -> None:
        """Write settings.toml: free ports, this engine, and the world as the internet."""
        self.ports = dict(zip(("api", "gateway", "edge", "internal"), free_ports(4), strict=True))
        settings = {
            "apiPort": self.ports["api"],
            "gatewayPort": self.ports["gateway"],
            "edgePort": self.ports["edge"],
            "internalPort": self.ports["internal"],
            "agentPortsFrom": free_ports(1)[0],
            "engine": self.engine_url,
            "nameservers": [self.world.address],
            "privateUpstreams": [f"{self.world.address}/32"],
            "extraCaFile": str(self.world.ca_file),
            **self.more_settings,
        }
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "settings.toml").write_text(tomli_w.dumps(settings))

    def pai(
        self, *args: str, stdin: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run one `pai` command."""
        command = [sys.executable, "-m", "pai.cli", *args]
        done = subprocess.run(
            command,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            env=self.env,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"pai {' '.join(args)} → {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def up(self) -> None:
        """Start the processes."""
        self.pai("up", "-d")

    def down(self) -> None:
        """Stop the processes and the agents' containers; nothing of ours stays in the engine."""
        told = self.pai("version", "-o", "json", check=False).stdout or "{}"
        self.pai("down", check=False)
        self.engine_command("network", "rm", f"pai-{json.loads(told).get('instance')}")

    def apply(self, text: str, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Apply YAML from standard input."""
        return self.pai("apply", "-f", "-", *args, stdin=text, check=check)

    @cached_property
    def instance(self) -> str:
        """The platform's id, which all its engine objects bear; it must be running."""
        return str(json.loads(self.pai("version", "-o", "json").stdout)["instance"])

    def api(self) -> httpx.Client:
        """Return a client of the public API; for what is asked too often for a command each."""
        context = json.loads((self.home / "config.json").read_text())["contexts"]["local"]
        headers = {"authorization": f"Bearer {context['token']}"}
        url = f"http://127.0.0.1:{self.ports['api']}"
        return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=20)

    def processes(self) -> dict[str, int]:
        """Return the pids of the platform's processes that are alive, by name."""
        run = self.data / "run"
        pids = {}
        if (run / "children.json").exists():
            known = json.loads((run / "children.json").read_text())
            pids = {name: entry["pid"] for name, entry in known.items()}
        return {name: pid for name, pid in pids.items() if self._owns(pid)}

    def _owns(self, pid: int) -> bool:
        try:
            return str(self.data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def until(self, check: Callable[[], T | None], what: str, seconds: float = 60) -> T:
        """Return the first answer of `check` that says something; fails after `seconds`."""
        end = time.monotonic() + seconds
        while not (found := check()):
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
            time.sleep(0.3)
        return found

    def status(self, name: str) -> dict[str, Any]:
        """Return the agent as the API shows it."""
        path = f"/api/v1/namespaces/default/agentworkloads/{name}"
        with self.api() as http:
            found: dict[str, Any] = http.get(path).raise_for_status().json()
        return found

    def wait_for_phase(self, name: str, phase: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the agent has that phase; the error tells what it had."""
        end = time.monotonic() + seconds
        while True:
            agent = self.status(name)
            if agent.get("status", {}).get("phase") == phase:
                return agent
            if time.monotonic() > end:
                raise AssertionError(f"{name} is not {phase}: {json.dumps(agent['status'])}")
            time.sleep(0.3)

    def url(self, name: str) -> str:
        """Return the agent's public URL; it stays the same, so it is asked for once."""
        if name not in self.urls:
            self.urls[name] = self.status(name)["status"]["url"]
        return self.urls[name]

    def request(
        self, name: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request to the agent's URL, through the edge; never raises for a status."""
        url = self.url(name)
        host = url.split("//")[1].split("/")[0]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['edge']}{path}", data=body, headers=headers
        )
        request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def run_in(self, name: str, code: str) -> str:
        """Run Python in the agent and return what it printed."""
        status, _, body = self.request(name, "/run", code.encode())
        assert status == 200, (status, body[:500])
        return body.decode()

    def audit(self, name: str) -> list[dict[str, Any]]:
        """Return the agent's audit records."""
        items: list[dict[str, Any]] = json.loads(
            self.pai("audit", name, "-o", "json", "--limit", "1000").stdout
        )
        return items

    def engine_command(self, *args: str) -> str:
        """Ask the engine itself, through its Docker-compatible API."""
        command = ["docker", "-H", self.engine_url, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody holds now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def indent(text: str, spaces: int) -> str:
    """Indent a block for a YAML literal."""
    pad = " " * spaces
    return "".join(f"{pad}{line}" if line.strip() else line for line in text.splitlines(True))


def secrets_yaml(world: Internet) -> str:
    """The two secrets with their canaries."""
    return f"""
apiVersion: pai.io/v1
kind: Secret
metadata: {{name: llm-key}}
stringData: {{token: {world.llm_key}}}
---
apiVersion: pai.io/v1
kind: Secret
metadata: {{name: notes-key}}
stringData: {{token: {world.notes_key}}}
---
"""


def services_yaml(max_per_day: int = 1_000_000, endpoint: str = "http://llm.test:8001/v1") -> str:
    """A model and a service of the world."""
    return f"""
apiVersion: pai.io/v1
kind: ModelBinding
metadata: {{name: gpt}}
spec:
  provider: openai
  model: gpt-test
  endpoint: {endpoint}
  maxTokensPerDay: {max_per_day}
  apiKeySecretRef: {{name: llm-key}}
---
apiVersion: pai.io/v1
kind: Provider
metadata: {{name: notes}}
spec:
  type: http-token
  host: api.notes.test
  auth: {{type: api-key, secretRef: notes-key, agentEnvVar: NOTES_TOKEN}}
  policy:
    allow: [get, post]
    httpRules:
    - {{methods: [GET], paths: [/private/**], effect: deny}}
---
"""


def agent_yaml(name: str, spec: str = "") -> str:
    """A probe agent; spec: more lines of `spec`, indented by two."""
    return f"""
apiVersion: pai.io/v1
kind: AgentWorkload
metadata: {{name: {name}}}
spec:
  image: {AGENT_IMAGE}
  command: [python3, /home/probe/probe.py]
  modelBindings: [gpt]
  providers: [notes]
  inbound: {{port: 3000, allowCIDRs: [127.0.0.0/8]}}
  configFiles:
  - path: /home/probe/probe.py
    content: |
{indent(PROBE, 6)}
{spec}
"""
