"""The cluster that tests speak to; started when the first of them asks for it."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.kubernetes import api, image_store, lifecycle, processes
from scripts.kubernetes.commands import CONTROL_PLANE, NODE_PARTS, etcd_url
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.network import Client, client_namespace
from scripts.kubernetes.place import NODE_IP, Place


class Cluster:
    """A running Kubernetes of one node, or its control plane alone."""

    node_ip = NODE_IP

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._place.kubeconfig()

    @property
    def etcd(self) -> str:
        """Where its etcd answers."""
        return etcd_url(self._place)

    @property
    def logs(self) -> Path:
        """Directory with one log a part."""
        return self._place.logs

    def part(self, name: str) -> str:
        """Return the path of a part of the program, as `kubectl`."""
        return self._place.part(name)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the parts that run, by name."""
        known = ((part, processes.pid(self._place, part)) for part in CONTROL_PLANE + NODE_PARTS)
        return {part: pid for part, pid in known if pid and processes.alive(pid)}

    def up(self, *, node: bool) -> None:
        """Start what does not run; a node has our images."""
        lifecycle.up(self._place, node=node)

    def kubectl(self, *words: str, input: str | None = None) -> str:  # noqa: A002
        """Run kubectl as administrator; what it prints. Raises ClusterError with what it says."""
        return lifecycle.kubectl(self._place, *words, given=input)

    def get(self, *words: str) -> dict[str, Any]:
        """Return what `kubectl get` shows as JSON."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "-o", "json"))
        return found

    def read(self, path: str) -> dict[str, Any]:
        """Return what is at a path of the API; for what is asked often. Raises ClusterError."""
        found = api.ask(self._place, path)
        if not isinstance(found, dict):
            raise ClusterError(f"{path}: no good answer")
        return found

    def agent(self, name: str, namespace: str) -> dict[str, Any]:
        """Return an AgentWorkload. Raises ClusterError."""
        return self.read(f"/apis/pai.io/v1/namespaces/{namespace}/agentworkloads/{name}")

    def pods(self, namespace: str, labels: str = "") -> list[dict[str, Any]]:
        """Return a namespace's pods, perhaps only those with labels. Raises ClusterError."""
        path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={quote(labels)}"
        found: list[dict[str, Any]] = self.read(path)["items"]
        return found

    def apply(self, *documents: dict[str, Any]) -> None:
        """Apply documents on the server's side."""
        listed = {"apiVersion": "v1", "kind": "List", "items": documents}
        self.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(listed))

    def load(self, archive: Path) -> None:
        """Give the node the images of an OCI or Docker archive."""
        image_store.load_archive(self._place, archive)

    def stop(self, part: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End one part and wait until it is gone."""
        processes.stop(self._place, part, how)

    def start(self, part: str) -> None:
        """Start one part; it may not be ready yet."""
        processes.start(self._place, part)

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Keep one part away for a while."""
        self.stop(part)
        try:
            yield
        finally:
            self.start(part)

    def freeze(self, part: str) -> None:
        """Let a part hang: its connections stay open and nothing answers."""
        os.kill(self.pids[part], signal.SIGSTOP)

    def thaw(self, part: str) -> None:
        """Let a part that hangs go on."""
        os.kill(self.pids[part], signal.SIGCONT)

    def restart_api_server(self) -> None:
        """Kill the API server and wait until a new one is ready."""
        self.stop("kube-apiserver")
        self.start("kube-apiserver")
        lifecycle.wait_api(self._place)

    def client_namespace(self, address: str) -> AbstractContextManager[Client]:
        """Make a machine outside the cluster, with an address 10.250.N.2 that the cluster sees."""
        return client_namespace(address)

    def publish(self, service: str, address: str, namespace: str = "default") -> None:
        """Be the cloud: give a LoadBalancer an address of 10.251.0.0/16."""
        status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
        words = ("patch", "service", service, "-n", namespace, "--subresource=status")
        self.kubectl(*words, "--type=merge", "-p", json.dumps(status))

    def wait(self, what: str, is_so: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something to be so. Raises ClusterError with the kubelet's last lines."""
        processes.wait_until(what, is_so, self.logs / "kubelet.log", seconds)
