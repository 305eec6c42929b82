"""Control as processes beside the cluster, reached by its API server as if they were pods.

Quicker than an installation and easier to kill: for everything that needs no node.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from scripts.kubernetes.failure import ClusterError
from tests.cluster.stage.cluster import Cluster

BASE = "/apis/platform.pai.io/v1"
CRDS = Path("deploy/kubernetes/crds")
NAMESPACE = "pai-system"
_READY_SECONDS = 60.0


class Controls:
    """Replicas of control. The first listens where the platform's Service leads."""

    def __init__(self, cluster: Cluster, work: Path) -> None:
        self.cluster = cluster
        self.work = work
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, tuple[int, int, int]] = {}

    def prepare(self, **settings: Any) -> None:
        """Put in place what an installation would: CRDs, Services, the APIService."""
        for file in sorted(CRDS.glob("*.yaml")):
            self.cluster.kubectl("apply", "--server-side", "-f", str(file))
        self.cluster.apply(*_platform(self.cluster.node_ip))
        self.cluster.kubectl(
            "wait", "--for=condition=Established", "crd/agentworkloads.pai.io", "--timeout=60s"
        )
        values = {"domain": "agents.test", "urlPort": 80, **settings}
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        (self.work / "settings.toml").write_text("\n".join(lines) + "\n")

    def start(self, name: str = "control-0", *, wait: bool = True, **more: str) -> None:
        """Start a replica and return when it is ready."""
        number = len(self._ports)
        ports = self._ports.setdefault(
            name, (8010 + 100 * number, 8443 + 100 * number, 8081 + 100 * number)
        )
        internal, front, probes = ports
        data = self.work / ("data" if "database" in more else f"data-{name}")
        data.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pai.control.kubernetes"]
        command += ["--settings", str(self.work / "settings.toml"), "--data", str(data)]
        command += ["--kubeconfig", str(self.cluster.kubeconfig), "--identity", name]
        command += ["--internal-port", str(internal), "--front-port", str(front)]
        command += ["--probes-port", str(probes)]
        if "database" in more:
            file = self.work / "database-url"
            file.write_text(more["database"])
            command += ["--database-url-file", str(file)]
        with (self.work / f"{name}.log").open("ab") as log:
            env = {**os.environ, "PYTHONPATH": "src"}
            self.running[name] = subprocess.Popen(command, stderr=log, stdout=log, env=env)
        if wait:
            self.until_ready(name)

    def until_ready(self, name: str = "control-0") -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            process = self.running[name]
            assert process.poll() is None, self.log(name)[-3000:]
            if self.probe(name, "readyz") == 200:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} is not ready: {self.log(name)[-3000:]}")

    def until_served(self) -> None:
        """Wait until the API server has noticed that somebody answers behind it."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                self.call("namespaces/default/agentworkloads")
            except ClusterError:
                assert time.monotonic() < deadline, "never behind the API server"
                time.sleep(0.2)
            else:
                return

    def probe(self, name: str, what: str) -> int:
        try:
            url = f"http://127.0.0.1:{self._ports[name][2]}/{what}"
            return httpx.get(url, trust_env=False, timeout=2).status_code
        except httpx.HTTPError:
            return 0

    def metrics(self, name: str = "control-0") -> dict[str, float]:
        """Return every sample by its name with labels."""
        url = f"http://127.0.0.1:{self._ports[name][2]}/metrics/"
        text = httpx.get(url, trust_env=False, timeout=5).text
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    def kill(self, name: str = "control-0") -> None:
        """End a replica as a power cut would."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def log(self, name: str = "control-0") -> str:
        return (self.work / f"{name}.log").read_text()

    def close(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def call(self, path: str) -> Any:
        """GET below the aggregated API, as the administrator."""
        return json.loads(self.cluster.kubectl("get", "--raw", f"{BASE}/{path}"))

    def post(self, path: str, body: Any) -> Any:
        """POST below the aggregated API."""
        words = ("create", "--raw", f"{BASE}/{path}", "-f", "-")
        return json.loads(self.cluster.kubectl(*words, input=json.dumps(body)))

    def agent(self, name: str, namespace: str = "default") -> dict[str, Any]:
        return self.cluster.agent(name, namespace)

    def until(self, name: str, phase: str, namespace: str = "default", seconds: float = 30) -> Any:
        """Return an agent once it is in a phase."""
        deadline = time.monotonic() + seconds
        found: dict[str, Any] = {}
        while time.monotonic() < deadline:
            found = self.agent(name, namespace)
            if found.get("status", {}).get("phase") == phase:
                return found
            time.sleep(0.1)
        raise AssertionError(f"never {phase}: {json.dumps(found.get('status'), indent=1)}")


@contextmanager
def controls(cluster: Cluster, work: Path, **settings: Any) -> Iterator[Controls]:
    """Give a stage for control's processes; they end with the block."""
    stage = Controls(cluster, work)
    stage.prepare(**settings)
    try:
        yield stage
    finally:
        stage.close()
        # an installed platform's Service would lead to it, too
        words = ("delete", "endpointslice", "pai-control", "-n", NAMESPACE, "--ignore-not-found")
        cluster.kubectl(*words)


def _platform(node: str) -> list[dict[str, Any]]:
    text = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: v1
kind: Service
metadata: {{name: pai-control, namespace: {NAMESPACE}}}
spec:
  ports: [{{name: internal, port: 8010}}, {{name: front, port: 443, targetPort: 8443}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: pai-control
  namespace: {NAMESPACE}
  labels: {{kubernetes.io/service-name: pai-control}}
addressType: IPv4
ports: [{{name: internal, port: 8010}}, {{name: front, port: 8443}}]
endpoints: [{{addresses: ["{node}"], conditions: {{ready: true}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: pai-gateway, namespace: {NAMESPACE}}}
spec:
  ports: [{{port: 8443}}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: v1.platform.pai.io}}
spec:
  group: platform.pai.io
  version: v1
  groupPriorityMinimum: 1000
  versionPriority: 15
  service: {{name: pai-control, namespace: {NAMESPACE}, port: 443}}
"""
    return list(yaml.safe_load_all(text))
