"""The packet rules of a replica as iptables-restore texts. Pure.

Only the sidecar's UID may talk to the network. What the agent sends is redirected to the sidecar,
which says why it refuses, or is rejected at once. Rules live in chains of our own; each text
replaces the whole chain and puts the jump to it at position 1, in one transaction, so that a
second run leaves the same rules and there is no moment without them.
"""

from typing import Literal, NamedTuple

Family = Literal["ipv4", "ipv6"]

DNS_PORT, HTTP_PORT, TLS_PORT = 8053, 8081, 8443

_NO_SOCKET = "-m owner ! --socket-exists"
_KNOWN = "-m conntrack --ctstate ESTABLISHED,RELATED"
# Neighbour discovery is how v6 finds the router; without it the sidecar has no v6 either.
_NEIGHBOURS = tuple(
    f"-p ipv6-icmp -m icmp6 --icmpv6-type {number}" for number in (133, 134, 135, 136)
)


class Loopback(NamedTuple):
    """The one loopback address the agent may use, the loopback net, ICMP and its refusal."""

    address: str
    net: str
    icmp: str
    refusal: str


LOOPBACK: dict[Family, Loopback] = {
    "ipv4": Loopback("127.0.0.1/32", "127.0.0.0/8", "icmp", "icmp-port-unreachable"),
    "ipv6": Loopback("::1/128", "::1/128", "ipv6-icmp", "icmp6-port-unreachable"),
}

CHAINS = (
    ("nat", "OUTPUT", "PAI-NAT"),
    ("filter", "OUTPUT", "PAI-OUT"),
    ("filter", "INPUT", "PAI-IN"),
)


def nat_out(family: Family, sidecar_uid: int) -> tuple[str, ...]:
    """Return PAI-NAT: where the agent's connections and DNS queries go instead.

    DNS comes before the loopback RETURN: Docker's own resolver sits at 127.0.0.11:53.
    """
    here = LOOPBACK[family]
    return (
        f"-m owner --uid-owner {sidecar_uid} -j RETURN",
        f"-p udp -m udp --dport 53 -j REDIRECT --to-ports {DNS_PORT}",
        f"-p tcp -m tcp --dport 53 -j REDIRECT --to-ports {DNS_PORT}",
        f"-d {here.address} -p tcp -m tcp --dport 443 -j REDIRECT --to-ports {TLS_PORT}",
        f"-d {here.address} -p tcp -m tcp --dport 80 -j REDIRECT --to-ports {HTTP_PORT}",
        f"-d {here.net} -j RETURN",
        f"-p tcp -m tcp --dport 443 -j REDIRECT --to-ports {TLS_PORT}",
        f"-p tcp -j REDIRECT --to-ports {HTTP_PORT}",
    )


def filter_out(family: Family, sidecar_uid: int) -> tuple[str, ...]:
    """Return PAI-OUT: what may leave after redirection.

    Matches destinations, never `-o lo`: a redirected packet still carries its first interface.
    Kernel-made answers must go out, or refused clients hang: RST and the last segments of a
    closed connection have no socket; ICMP errors have the kernel's, and no agent can make one.
    An *agent's* packet never counts as ESTABLISHED: it could bind a UDP port that the sidecar
    just used and inherit its flow.
    """
    here = LOOPBACK[family]
    neighbours = _NEIGHBOURS if family == "ipv6" else ()
    return (
        f"-m owner --uid-owner {sidecar_uid} -j RETURN",
        f"-d {here.address} -j RETURN",
        *(f"{match} -j RETURN" for match in neighbours),
        f"{_NO_SOCKET} {_KNOWN} -j RETURN",
        f"-p {here.icmp} -m conntrack --ctstate RELATED -j RETURN",
        f"-p tcp {_NO_SOCKET} -m tcp --tcp-flags RST RST -j RETURN",
        "-p tcp -j REJECT --reject-with tcp-reset",
        f"-j REJECT --reject-with {here.refusal}",
    )


def filter_in(family: Family, inbound_ports: tuple[int, ...]) -> tuple[str, ...]:
    """Return PAI-IN: only these listeners of the sidecar can be reached from outside."""
    neighbours = _NEIGHBOURS if family == "ipv6" else ()
    return (
        "-i lo -j RETURN",
        f"{_KNOWN} -j RETURN",
        *(f"-p tcp -m tcp --dport {port} -j RETURN" for port in inbound_ports),
        *(f"{match} -j RETURN" for match in neighbours),
        "-p tcp -j REJECT --reject-with tcp-reset",
        f"-j REJECT --reject-with {LOOPBACK[family].refusal}",
    )


def restore_text(
    family: Family, table: str, sidecar_uid: int, inbound_ports: tuple[int, ...], saved: str
) -> str:
    """Return the input of `iptables-restore --noflush` that makes `table` as it has to be.

    saved: output of iptables-save for that table; jumps found in it are taken out first.
    """
    bodies = {
        "PAI-NAT": nat_out(family, sidecar_uid),
        "PAI-OUT": filter_out(family, sidecar_uid),
        "PAI-IN": filter_in(family, inbound_ports),
    }
    chains = [(hook, chain) for where, hook, chain in CHAINS if where == table]
    lines = [f"*{table}", *(f":{chain} - [0:0]" for _, chain in chains)]
    for hook, chain in chains:
        lines += [f"-A {chain} {rule}" for rule in bodies[chain]]
        jump = f"{hook} -j {chain}"
        lines += [f"-D {jump}"] * saved.splitlines().count(f"-A {jump}")
        lines.append(f"-I {hook} 1 -j {chain}")
    return "\n".join([*lines, "COMMIT", ""])
