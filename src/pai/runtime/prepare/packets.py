"""Apply the packet rules with the iptables of the image: nft or legacy, v4 and v6."""

import subprocess
from pathlib import Path

from pai.errors import PaiError
from pai.runtime.prepare.rules import Family, restore_text

_COMMAND: dict[Family, str] = {"ipv4": "iptables", "ipv6": "ip6tables"}
_LEGACY_TABLES: dict[Family, str] = {
    "ipv4": "/proc/net/ip_tables_names",
    "ipv6": "/proc/net/ip6_tables_names",
}
_ADDRESSES = "/proc/net/if_inet6"
_DISABLED = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
_SECONDS = 20


class RulesError(PaiError):
    """The rules can't be put in force: the replica must not start."""

    reason = "RulesNotApplied"


def apply_rules(sidecar_uid: int, inbound_ports: tuple[int, ...]) -> None:
    """Put the rules of both families in force.

    inbound_ports: what may be reached from outside.
    Raises RulesError: some rule could not be applied while the family can carry traffic.
    """
    _apply("ipv4", sidecar_uid, inbound_ports)
    if not Path(_ADDRESSES).exists():
        return  # a kernel without IPv6
    try:
        _apply("ipv6", sidecar_uid, inbound_ports)
    except RulesError:
        if _carries_ipv6():
            raise


def _apply(family: Family, sidecar_uid: int, inbound_ports: tuple[int, ...]) -> None:
    tool = _tool(family)
    for table in ("filter", "nat"):  # deny first, then redirect
        saved = _run([f"{tool}-save", "-t", table], "", family)
        text = restore_text(family, table, sidecar_uid, inbound_ports, saved)
        _run([f"{tool}-restore", "--noflush", "--wait"], text, family)


def _tool(family: Family) -> str:
    """Name the backend whose tables are in use here.

    An engine that put its own NAT rules with the legacy backend would be consulted before ours.
    """
    backend = "legacy" if "nat" in _read(_LEGACY_TABLES[family]).split() else "nft"
    return f"{_COMMAND[family]}-{backend}"


def _run(command: list[str], text: str, family: Family) -> str:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_applied(family, f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise _not_applied(family, f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _not_applied(family: Family, why: str) -> RulesError:
    hint = (
        "the kernel needs nf_tables with nft_compat, xt_owner, xt_REDIRECT and xt_conntrack, "
        "the container NET_ADMIN"
    )
    if family == "ipv6":
        hint += "; or switch IPv6 off for containers (net.ipv6.conf.all.disable_ipv6=1)"
    return RulesError(f"{family} rules can't be applied: {' '.join(why.split())}", hint=hint)


def _carries_ipv6() -> bool:
    """Say whether IPv6 could be spoken here: on, or off with an address left over.

    The agent can't switch it on: it has no NET_ADMIN, and /proc/sys is read-only.
    """
    return _read(_DISABLED).strip() != "1" or bool(_read(_ADDRESSES).strip())


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return ""
