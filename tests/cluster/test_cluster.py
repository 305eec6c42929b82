"""The stage itself: a real Kubernetes that runs our images and can be broken on purpose."""

from typing import Any

import pytest
from tests.cluster.stage.cluster import Cluster

IMAGES = ("pai", "pai-control", "pai-quickstart")


def pod(name: str, image: str, script: str, **spec: Any) -> dict[str, Any]:
    """A pod that runs a Python script once."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", script],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"restartPolicy": "Never", "containers": [container], **spec},
    }


def phase(cluster: Cluster, name: str) -> str:
    return str(cluster.read(f"/api/v1/namespaces/default/pods/{name}")["status"]["phase"])


def test_the_node_is_ready(cluster: Cluster) -> None:
    nodes = cluster.get("nodes")["items"]
    assert [node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes] == ["v1.34.4"]


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_of_ours_runs(cluster: Cluster, name: str) -> None:
    module = {"pai": "pai.sidecar", "pai-control": "pai.control", "pai-quickstart": "openai"}[name]
    script = f"import {module} as found; print(found.__cached__ and found.__file__)"
    cluster.apply(pod(f"runs-{name}", f"localhost/{name}:latest", script))
    cluster.wait(f"pod of {name}", lambda: phase(cluster, f"runs-{name}") == "Succeeded", 30)
    assert module.replace(".", "/") in cluster.kubectl("logs", f"runs-{name}")


def test_a_native_sidecar_is_up_before_the_agent_and_ends_after_it(cluster: Cluster) -> None:
    server = "import http.server as h; h.test(h.BaseHTTPRequestHandler, port=8000)"
    ask = "import socket; socket.create_connection(('127.0.0.1', 8000), 5); print('reached')"
    sidecar = {
        "name": "sidecar",
        "image": "localhost/pai:latest",
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", server],
        "restartPolicy": "Always",
        "startupProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    document = pod("native-sidecar", "localhost/pai-quickstart:latest", ask)
    document["spec"] |= {"initContainers": [sidecar], "terminationGracePeriodSeconds": 1}
    cluster.apply(document)
    cluster.wait("pod", lambda: phase(cluster, "native-sidecar") == "Succeeded", 45)
    assert cluster.kubectl("logs", "native-sidecar", "-c", "main") == "reached\n"


def test_pods_reach_each_other_by_the_names_of_services(cluster: Cluster) -> None:
    serve(cluster, "named")
    ask = (
        "import urllib.request as r;"
        "print(r.urlopen('http://named.default.svc.cluster.local', timeout=5).read().decode())"
    )
    cluster.apply(pod("asks", "localhost/pai:latest", ask))
    cluster.wait("pod", lambda: phase(cluster, "asks") == "Succeeded", 30)
    address = cluster.get("pod", "asks")["status"]["podIP"]
    assert cluster.kubectl("logs", "asks").strip() == address


def serve(cluster: Cluster, name: str, **service: Any) -> None:
    """A pod, and a Service before it, that answer with the client's address."""
    script = """
import http.server as h
class Echo(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())
h.HTTPServer(("0.0.0.0", 8000), Echo).serve_forever()
"""
    document = pod(name, "localhost/pai:latest", script)
    document["metadata"]["labels"] = {"app": name}
    ports = [{"port": 80, "targetPort": 8000}]
    spec = {"selector": {"app": name}, "ports": ports, **service}
    metadata = {"name": name, "namespace": "default"}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}, document
    )
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")


def test_a_load_balancer_shows_true_addresses_and_keeps_out_others(cluster: Cluster) -> None:
    serve(
        cluster,
        "balanced",
        type="LoadBalancer",
        externalTrafficPolicy="Local",
        loadBalancerSourceRanges=["10.250.7.0/24"],
    )
    cluster.publish("balanced", "10.251.0.9")
    ask = "import urllib.request as r; print(r.urlopen('http://10.251.0.9', timeout=2).read())"
    with (
        cluster.client_namespace("10.250.7.2") as friend,
        cluster.client_namespace("10.250.8.2") as stranger,
    ):
        answered = ("python3", "-c", ask)
        cluster.wait("the way in", lambda: "10.250.7.2" in friend.run(*answered).stdout, 20)
        assert stranger.run(*answered).returncode != 0
        port = cluster.get("service", "balanced")["spec"]["ports"][0]["nodePort"]
        by_node = ask.replace("10.251.0.9", f"{cluster.node_ip}:{port}")
        assert "10.250.8.2" in stranger.run("python3", "-c", by_node).stdout
