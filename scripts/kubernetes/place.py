"""Where a cluster keeps its files, and the addresses it uses."""

import os
from dataclasses import dataclass
from pathlib import Path

from scripts.kubernetes.failure import ClusterError

NODE = "node1"
NODE_IP = "10.244.0.1"
POD_RANGE = "10.244.0.0/16"
FIRST_POD_IP = "10.244.1.1"
SERVICE_RANGE = "10.96.0.0/16"
FIRST_SERVICE_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
BALANCER_RANGE = "10.251.0.0/16"  # what a test, as a cloud would, gives to load balancers
API_PORT = 6443
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
CONTROLLERS_PORT = 10257
SCHEDULER_PORT = 10259

VARIABLE = "PAI_APART_WORK"
WAY_OUT = "scripts/cluster.sh COMMAND, or scripts/test_engines.sh COMMAND"


@dataclass(frozen=True)
class Place:
    """The directory of one cluster. control_group: name below each hierarchy, without a slash.

    shift: how far its control plane's ports lie above the usual ones.
    """

    root: Path
    program: Path
    control_group: str
    shift: int = 0

    def port(self, usual: int) -> int:
        """Return the port where a part of this control plane listens."""
        return usual + self.shift

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def logs(self) -> Path:
        """One log a part."""
        return self.root / "log"

    @property
    def pids(self) -> Path:
        """One file a part, with its process id."""
        return self.root / "pid"

    @property
    def containerd_socket(self) -> Path:
        """Short enough for a socket: its directory is private to the mount namespace."""
        return Path("/run/containerd/pai.sock")

    @property
    def containerd_state(self) -> Path:
        """What containerd needs while containers run; beside its socket."""
        return Path("/run/containerd/pai")

    @property
    def containerd(self) -> Path:
        """What containerd keeps: contents, snapshots and their names."""
        return self.root / "containerd"

    def kubeconfig(self, user: str = "admin") -> Path:
        """Return the kubeconfig of a user."""
        return self.root / f"{user}.kubeconfig"

    def part(self, name: str) -> str:
        """Return the path of one part of the program."""
        return str(self.program / name)


def place_of_this_machine(program: Path) -> Place:
    """Return the place that `apart.sh` made. Raises ClusterError outside of it."""
    work = os.environ.get(VARIABLE)
    if not work:
        raise ClusterError("a cluster needs namespaces of its own", hint=WAY_OUT)
    return Place(Path(work) / "cluster", program, Path(work).name)


def place_beside(place: Place) -> Place:
    """Return the place of a second control plane in the same namespaces; it can have no node."""
    name = "control-plane"
    return Place(place.root.with_name(name), place.program, f"{place.control_group}-{name}", 100)
