"""The node's address and routes, and clients with addresses of their own."""

import ipaddress
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import BALANCER_RANGE, NODE_IP, POD_RANGE, SERVICE_RANGE
from scripts.kubernetes.processes import run

LINK = "pai-node"


def open_network() -> None:
    """Give the node its address and let packets through; safe to call again.

    Services have no route of their own: the node's processes reach them by one to a link
    without ports, as packet rules rewrite the packet before it would get there.
    """
    if LINK in run("ip", "-brief", "link"):
        return
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", LINK, "type", "bridge")
    run("ip", "address", "add", f"{NODE_IP}/32", "dev", LINK)
    run("ip", "link", "set", LINK, "up")
    for target in (SERVICE_RANGE, BALANCER_RANGE):
        run("ip", "route", "add", target, "dev", LINK, "src", NODE_IP)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for side in ("-s", "-d"):  # dockerd's policy for what it does not know is to drop
        run("iptables", "-w", "-I", "FORWARD", side, POD_RANGE, "-j", "ACCEPT")


class Client:
    """A machine outside the cluster, with an address that the cluster sees."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address

    def command(self, words: Sequence[str]) -> list[str]:
        """Return a command line that runs words on this machine."""
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words: str, seconds: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its exit code is for the caller to judge."""
        return subprocess.run(
            self.command(words), capture_output=True, text=True, timeout=seconds, check=False
        )


def client_names(address: str) -> tuple[str, str]:
    """Return (namespace, gateway) of a client address 10.250.N.2. Raises ClusterError."""
    parts = ipaddress.IPv4Address(address).packed
    if parts[:2] != bytes((10, 250)) or parts[3] != 2:
        raise ClusterError(f"{address}: a client's address is 10.250.N.2")
    return f"client{parts[2]}", f"10.250.{parts[2]}.1"


@contextmanager
def client_namespace(address: str) -> Iterator[Client]:
    """Make a machine at 10.250.N.2/24 whose way to everything is the node; remove it at the end."""
    name, gateway = client_names(address)
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "out", "netns", name)
        run("ip", "address", "add", f"{gateway}/24", "dev", name)
        run("ip", "link", "set", name, "up")
        inside = ("ip", "-n", name)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "address", "add", f"{address}/24", "dev", "out")
        run(*inside, "link", "set", "out", "up")
        run(*inside, "route", "add", "default", "via", gateway)
        yield Client(name, address)
    finally:
        run("ip", "netns", "del", name)
