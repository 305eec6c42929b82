"""Bring a cluster up, step by step, and down again. Every step is safe to repeat."""

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

from scripts.kubernetes import api, settings
from scripts.kubernetes.cached import alone
from scripts.kubernetes.certificates import issue_all
from scripts.kubernetes.commands import CONTROL_PLANE, NODE_PARTS
from scripts.kubernetes.control_groups import make_group, members, remove_group
from scripts.kubernetes.image_store import load_code, put_packages, start_containerd
from scripts.kubernetes.layers import pod_images
from scripts.kubernetes.network import open_network
from scripts.kubernetes.place import DNS_IP, Place
from scripts.kubernetes.processes import run, running, start, stop, wait_until


def up(place: Place, *, node: bool) -> None:
    """Start what does not run yet and wait until it is ready. Raises ClusterError.

    The parts of a node get ready while the controllers do.
    """
    fresh_plane = not all(running(place, part) for part in CONTROL_PLANE)
    fresh_node = node and not all(running(place, part) for part in NODE_PARTS)
    if fresh_plane:
        start_control_plane(place)
    if fresh_node:
        start_node(place)
    if fresh_plane:
        log = place.logs / "kube-controller-manager.log"
        wait_until("service accounts", lambda: api.accounts_ready(place), log)
    if fresh_node:
        wait_until("the node", lambda: api.node_ready(place), place.logs / "kubelet.log")


def start_control_plane(place: Place) -> None:
    """Start etcd, API server, controllers and scheduler; wait for the API server alone."""
    if not place.pki.exists():
        place.root.mkdir(parents=True, exist_ok=True)
        issue_all(place)
    with alone("network"):  # two control planes of the same namespaces share it
        open_network()
    for part in CONTROL_PLANE:
        start(place, part)
    wait_api(place)
    listed = {"apiVersion": "v1", "kind": "List", "items": settings.first_objects()}
    kubectl(place, "apply", "--validate=false", "-f", "-", given=json.dumps(listed))


def wait_api(place: Place) -> None:
    """Wait for the API server to be ready. Raises ClusterError."""
    log = place.logs / "kube-apiserver.log"
    wait_until("the API server", lambda: api.api_ready(place), log)


def start_node(place: Place) -> None:
    """Start containerd with our images, kubelet, kube-proxy and CoreDNS; wait for containerd."""
    make_group(place.control_group)
    write_settings(place)
    images = pod_images()
    if not place.containerd.exists():
        put_packages(place, images)
    start_containerd(place)
    for part in NODE_PARTS:
        start(place, part)
    load_code(place, images)


def write_settings(place: Place) -> None:
    """Write what the parts of a node read."""
    (place.root / "cni").mkdir(exist_ok=True)
    files = {
        "containerd.toml": settings.containerd_toml(place),
        "cni/10-pods.conflist": settings.pod_network(place),
        "kubelet.json": settings.kubelet_configuration(place),
        "Corefile": settings.corefile(place),
        "resolv.conf": f"nameserver {DNS_IP}\n",
    }
    for name, text in files.items():
        (place.root / name).write_text(text)


def kubectl(place: Place, *words: str, given: str | None = None) -> str:
    """Run kubectl as admin and return what it printed. Raises ClusterError."""
    return run(place.part("kubectl"), f"--kubeconfig={place.kubeconfig()}", *words, given=given)


def down(place: Place) -> None:
    """End every part, the pods' processes and mounts, and remove all files."""
    for part in ("kubelet", *NODE_PARTS, *CONTROL_PLANE):
        stop(place, part)
    for process in {*_shims(place), *members(place.control_group)}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    _unmount(place)
    remove_group(place.control_group)
    for directory in (place.containerd_state, place.root):
        shutil.rmtree(directory, ignore_errors=True)


def _unmount(place: Place) -> None:
    """Undo the mounts of volumes, root file systems and network namespaces, the newest first."""
    ours = (f"{place.root}/", f"{place.containerd_state}/", "/run/netns/cni-")
    lines = Path("/proc/mounts").read_text().splitlines()
    for point in reversed([line.split()[1] for line in lines]):
        if point.startswith(ours):
            run("umount", "--lazy", point)


def _shims(place: Place) -> list[int]:
    """Return the processes by which containerd keeps containers."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"containerd-shim" in words[0] and str(place.containerd_socket).encode() in words:
            found.append(int(entry.parent.name))
    return found
