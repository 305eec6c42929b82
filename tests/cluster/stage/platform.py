"""The whole platform as pods, put there by `pai install kubernetes`, and a world outside of it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import POD_RANGE, SERVICE_RANGE
from tests.cluster.stage.cluster import Cluster
from tests.e2e.stage.installation import AGENT_IMAGE, PROBE, secrets_yaml, services_yaml
from tests.e2e.stage.internet import HOSTS, Internet

SYSTEM_NAMESPACE = "pai-system"
COMPONENTS = ("control", "gateway", "edge")
DOMAIN = "agents.test"
# The test itself, as the edge and sidecars see it: the node. Pods begin at 10.244.1.1.
NODE_RANGES = ("10.244.0.1/32",)
# Of the world, too: an address of instance metadata, and a resolver that everybody knows.
ELSEWHERE = ("169.254.169.254", "8.8.8.8")
T = TypeVar("T")


@dataclass
class Platform:
    """A platform on a cluster. world: what stands for the internet, with canary keys."""

    cluster: Cluster
    home: Path
    world: Internet
    urls: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """Environment of `pai`: contexts of its own, the administrator's kubeconfig."""
        own = {"PAI_HOME": str(self.home), "KUBECONFIG": str(self.cluster.kubeconfig)}
        return {**os.environ, **own, "PYTHONPATH": "src", "NO_COLOR": "1"}

    def install(self, *options: str) -> None:
        """Install, or change options of what is there; returns when it answers."""
        words = ("install", "kubernetes", "--timeout", "180", *options)
        self.pai(*words, timeout=240)

    def pai(
        self,
        *words: str,
        stdin: str = "",
        check: bool = True,
        timeout: float = 120,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `pai` as a person at a shell would; env: more variables, as KUBECONFIG of another."""
        done = subprocess.run(
            [sys.executable, "-m", "pai.cli", *words],
            input=stdin,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        said = f"pai {' '.join(words)} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not check or done.returncode == 0, said
        return done

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator; what it prints. Raises ClusterError with what it says."""
        return self.cluster.kubectl(*words, input=stdin)

    def apply(self, documents: str | list[dict[str, Any]], namespace: str = "default") -> str:
        """Apply YAML, or documents, by `pai apply`; what it prints."""
        text = documents if isinstance(documents, str) else _as_yaml(documents)
        return self.pai("apply", "-n", namespace, "-f", "-", stdin=text).stdout

    def start(self, *agents: dict[str, Any], namespace: str = "default") -> None:
        """Apply agents with `inbound`, and return when each answers behind the edge."""
        self.apply(list(agents), namespace)
        for name in (str(agent["metadata"]["name"]) for agent in agents):
            self.until(name, "Running", namespace)
            self.wait(f"{name} behind the edge", partial(self._answers, name, namespace), 20)

    def until(
        self, agent: str, phase: str, namespace: str = "default", seconds: float = 90
    ) -> dict[str, Any]:
        """Return the agent once it has that phase; the error tells what it had."""
        is_so = f"--for=jsonpath={{.status.phase}}={phase}"
        place = ("-n", namespace, f"agentworkload/{agent}")
        try:
            self.kubectl("wait", *place, is_so, f"--timeout={seconds:g}s")
        except ClusterError as error:
            now = self.agent(agent, namespace)["status"]
            raise AssertionError(f"{agent} is not {phase}: {json.dumps(now)}") from error
        return self.agent(agent, namespace)

    def wait(self, what: str, check: Callable[[], T | None], seconds: float = 30) -> T:
        """Return the first answer of `check` that says something; fails after `seconds`."""
        end = time.monotonic() + seconds
        while not (found := check()):
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
            time.sleep(0.2)
        return found

    def agent(self, name: str, namespace: str = "default") -> dict[str, Any]:
        """Return the AgentWorkload as the API server holds it."""
        return self.cluster.agent(name, namespace)

    def pods(self, agent: str, namespace: str = "default") -> list[dict[str, Any]]:
        """Return the agent's pods that are not about to end, sorted by name."""
        found = self.cluster.pods(namespace, f"pai.io/agent={agent}")
        living = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return sorted(living, key=lambda pod: str(pod["metadata"]["name"]))

    def pod_ip(self, agent: str, namespace: str = "default") -> str:
        """Return the address of the agent's first pod."""
        return str(self.pods(agent, namespace)[0]["status"]["podIP"])

    def exec(
        self, agent: str, *command: str, container: str = "agent", namespace: str = "default"
    ) -> str:
        """Run a command in a container of the agent's first pod; what it prints."""
        pod = self.pods(agent, namespace)[0]["metadata"]["name"]
        return self.kubectl("exec", "-n", namespace, pod, "-c", container, "--", *command)

    def logs(self, component: str) -> str:
        """Return the logs of control, gateway or edge, of all their pods."""
        words = ("-l", f"app.kubernetes.io/component={component}", "--tail=-1", "--all-containers")
        return self.kubectl("-n", SYSTEM_NAMESPACE, "logs", *words)

    def service_ip(self, component: str) -> str:
        """Return the ClusterIP of control, gateway or edge."""
        spec = self.cluster.get("service", f"pai-{component}", "-n", SYSTEM_NAMESPACE)["spec"]
        return str(spec["clusterIP"])

    def url(self, agent: str, namespace: str = "default") -> str:
        """Return the agent's URL; it stays the same, so it is asked for once."""
        key = (namespace, agent)
        if key not in self.urls:
            self.urls[key] = str(self.agent(agent, namespace)["status"]["url"])
        return self.urls[key]

    def host(self, agent: str, namespace: str = "default") -> str:
        """Return the Host header by which the edge knows the agent."""
        return self.url(agent, namespace).split("//")[1].rstrip("/")

    def node_port(self, agent: str, namespace: str = "default") -> tuple[str, int]:
        """Return address and port of the agent's own Service on the node."""
        spec = self.cluster.get("service", f"pai-{agent}", "-n", namespace)["spec"]
        return self.cluster.node_ip, int(spec["ports"][0]["nodePort"])

    def request(
        self,
        agent: str,
        path: str,
        body: bytes | None = None,
        *,
        namespace: str = "default",
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request to the agent's URL, through the edge; never raises for a status."""
        request = urllib.request.Request(f"http://{self.edge_ip}{path}", data=body, headers=headers)
        request.add_header("Host", self.host(agent, namespace))
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    @property
    def edge_ip(self) -> str:
        """The edge's ClusterIP; port 80."""
        if ("", "edge") not in self.urls:
            self.urls["", "edge"] = self.service_ip("edge")
        return self.urls["", "edge"]

    def run_in(self, agent: str, code: str, namespace: str = "default") -> str:
        """Run Python in a probe agent, through the edge, and return what it printed."""
        status, _, body = self.request(agent, "/run", code.encode(), namespace=namespace)
        assert status == 200, (status, body[:500])
        return body.decode()

    def audit(self, agent: str, namespace: str = "default") -> list[dict[str, Any]]:
        """Return the agent's audit records."""
        words = ("audit", agent, "-n", namespace, "-o", "json", "--limit", "1000")
        items: list[dict[str, Any]] = json.loads(self.pai(*words).stdout)
        return items

    def _answers(self, agent: str, namespace: str) -> bool:
        return self.request(agent, "/hello", namespace=namespace)[0] == 200


def install_platform(cluster: Cluster, home: Path, world: Internet) -> Platform:
    """Put the platform on the cluster; the canary keys, a model and a service into `default`."""
    platform = Platform(cluster, home, world)
    places = [word for host in HOSTS for word in ("--static-host", f"{host}={world.address}")]
    ranges = [word for block in (POD_RANGE, SERVICE_RANGE) for word in ("--cluster-range", block)]
    platform.install(
        *("--domain", DOMAIN, "--chown-volume", "--edge-replicas", "1", "--gateway-replicas", "1"),
        *("--private-upstream", f"{world.address}/32", "--extra-ca-file", str(world.ca_file)),
        *places,
        *ranges,
    )
    give_services(platform)
    return platform


def give_services(platform: Platform, namespace: str = "default") -> None:
    """Give a namespace the model `gpt` and the service `notes`, with their Secrets."""
    services = services_yaml(endpoint="https://llm.test/v1")
    platform.apply(secrets_yaml(platform.world) + services, namespace)


def probe_agent(
    name: str, allow: tuple[str, ...] = NODE_RANGES, *, stateful: bool = False, **spec: Any
) -> dict[str, Any]:
    """An agent that runs what it is told, see `Platform.run_in`. allow: who may reach it.

    stateful: the program is a config file and so lies on a volume; else there is no volume.
    """
    given: dict[str, Any] = {
        "image": AGENT_IMAGE,
        "command": ["python3", "-c", PROBE],
        "modelBindings": ["gpt"],
        "providers": ["notes"],
        "inbound": {"port": 3000, "allowCIDRs": list(allow)},
    }
    if stateful:
        given["command"] = ["python3", "/home/probe/probe.py"]
        given["configFiles"] = [{"path": "/home/probe/probe.py", "content": PROBE}]
    return {
        "apiVersion": "pai.io/v1",
        "kind": "AgentWorkload",
        "metadata": {"name": name},
        "spec": {**given, **spec},
    }


def _as_yaml(documents: list[dict[str, Any]]) -> str:
    """Return documents as one text; JSON is YAML."""
    return "\n---\n".join(json.dumps(document) for document in documents)
