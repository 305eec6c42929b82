"""The files that parts of a node read, and the objects a cluster begins with; pure."""

import json
from typing import Any

from scripts.kubernetes.place import (
    DNS_IP,
    FIRST_POD_IP,
    NODE_IP,
    POD_RANGE,
    Place,
)

PAUSE_IMAGE = "localhost/pai-pause:latest"
CNI_PROGRAMS = "/usr/lib/cni"


def containerd_toml(place: Place) -> str:
    """Return containerd's configuration; it keeps everything in the cluster's directory."""
    return f"""version = 2
root = "{place.containerd}"
state = "{place.containerd_state}"
[grpc]
  address = "{place.containerd_socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PROGRAMS}"
    conf_dir = "{place.root}/cni"
"""


def pod_network(place: Place) -> str:
    """Return the CNI chain. Every pod has a link of its own to the node.

    So all traffic between pods passes the node's packet rules, and answers of Services find back
    without bridge filtering, which a kernel may not have.
    """
    addresses = {
        "type": "host-local",
        "dataDir": str(place.root / "cni" / "ipam"),
        "ranges": [[{"subnet": POD_RANGE, "rangeStart": FIRST_POD_IP}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    links = {"type": "ptp", "ipMasq": True, "ipam": addresses}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [links, ports]}, indent=1)


def kubelet_configuration(place: Place) -> str:
    """Return the kubelet's configuration (JSON is YAML): nothing is evicted or collected."""
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(place.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(place.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(place.pki / "kubelet.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{place.control_group}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{place.containerd_socket}",
        "podLogsDir": str(place.root / "pod-logs"),
        "volumePluginDir": str(place.root / "volume-plugins"),
        "resolvConf": str(place.root / "resolv.conf"),
        "clusterDNS": [DNS_IP],
        "clusterDomain": "cluster.local",
        "maxPods": 250,
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "localStorageCapacityIsolation": False,
    }
    return json.dumps(document, indent=1)


def corefile(place: Place) -> str:
    """Return CoreDNS' configuration: the cluster's names and nothing of the world."""
    return f""".:53 {{
  bind {NODE_IP}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {place.kubeconfig("admin")} test
  }}
  cache 5
}}
"""


def first_objects() -> list[dict[str, Any]]:
    """Return what every cluster has: a default class of volumes, DNS, kube-proxy's rights."""
    ports = [{"name": "dns", "protocol": "UDP", "port": 53}, {"name": "dns-tcp", "port": 53}]
    return [
        _object(
            "storage.k8s.io/v1",
            "StorageClass",
            {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            provisioner="kubernetes.io/host-path",
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            {"name": "kube-proxy"},
            subjects=[{"kind": "User", "name": "system:kube-proxy"}],
            roleRef={
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:node-proxier",
            },
        ),
        _object(
            "v1",
            "Service",
            {"name": "kube-dns", "namespace": "kube-system"},
            spec={"clusterIP": DNS_IP, "ports": ports},
        ),
        _object(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            {
                "name": "kube-dns",
                "namespace": "kube-system",
                "labels": {"kubernetes.io/service-name": "kube-dns"},
            },
            addressType="IPv4",
            ports=ports,
            endpoints=[{"addresses": [NODE_IP], "conditions": {"ready": True}}],
        ),
    ]


def _object(version: str, kind: str, metadata: dict[str, Any], **content: object) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
