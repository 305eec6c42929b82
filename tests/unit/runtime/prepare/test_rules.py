"""The rule texts: order is the policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.runtime.prepare.rules import (
    CHAINS,
    LOOPBACK,
    Family,
    filter_in,
    filter_out,
    nat_out,
    restore_text,
)

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
SIDECAR = 65531
PORTS = (8082, 8083, 8084)


@pytest.mark.parametrize("family", FAMILIES)
def test_dns_is_redirected_before_loopback_is_let_through(family: Family) -> None:
    rules = nat_out(family, SIDECAR)
    assert rules[0] == f"-m owner --uid-owner {SIDECAR} -j RETURN"
    dns = [index for index, rule in enumerate(rules) if "--dport 53 " in rule]
    loopback = rules.index(f"-d {LOOPBACK[family].net} -j RETURN")
    assert len(dns) == 2 and max(dns) < loopback
    assert rules[-1] == "-p tcp -j REDIRECT --to-ports 8081"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_filter_ends_in_refusal(family: Family) -> None:
    for rules in (filter_out(family, SIDECAR), filter_in(family, PORTS)):
        assert rules[-2].startswith("-p tcp -j REJECT")
        assert rules[-1].startswith("-j REJECT")
        assert not any("-j ACCEPT" in rule for rule in rules)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ports", [(), (8082,), (8082, 8083, 8084)])
def test_exactly_the_listed_ports_are_open_from_outside(
    family: Family, ports: tuple[int, ...]
) -> None:
    rules = filter_in(family, ports)
    opened = [rule for rule in rules if "--dport" in rule]
    assert opened == [f"-p tcp -m tcp --dport {port} -j RETURN" for port in ports]
    text = restore_text(family, "filter", SIDECAR, ports, "")
    assert text.count("-A PAI-IN -p tcp -m tcp --dport") == len(ports)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packet_with_a_socket_never_counts_as_known(family: Family) -> None:
    """The agent could bind the port of a flow that was the sidecar's."""
    for rule in filter_out(family, SIDECAR):
        if "ESTABLISHED" in rule:
            assert "! --socket-exists" in rule


def test_only_one_loopback_address_is_open_to_the_agent() -> None:
    passed = [rule for rule in filter_out("ipv4", SIDECAR) if rule.startswith("-d ")]
    assert passed == ["-d 127.0.0.1/32 -j RETURN"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_output_interface_is_never_matched(family: Family) -> None:
    assert not any("-o " in rule.split("-j")[0] for rule in filter_out(family, SIDECAR))


@pytest.mark.parametrize(("table", "chains"), [("nat", 1), ("filter", 2)])
def test_a_text_is_one_transaction(table: str, chains: int) -> None:
    lines = restore_text("ipv4", table, SIDECAR, PORTS, "").splitlines()
    assert lines[0] == f"*{table}" and lines[-1] == "COMMIT"
    assert sum(line.startswith(":PAI-") for line in lines) == chains
    assert sum(line.startswith("-I ") for line in lines) == chains
    assert not any(line.startswith("-D ") for line in lines)


class Netfilter:
    """Just enough of iptables-restore --noflush to run our texts."""

    def __init__(self, chains: dict[str, list[str]]) -> None:
        self.chains = {name: list(rules) for name, rules in chains.items()}

    def restore(self, text: str) -> None:
        for line in text.splitlines():
            verb, _, rest = line.partition(" ")
            if line.startswith(":"):
                self.chains[verb[1:]] = []
            elif verb in ("-A", "-D"):
                chain, _, rule = rest.partition(" ")
                getattr(self.chains[chain], "append" if verb == "-A" else "remove")(rule)
            elif verb == "-I":
                chain, _, rule = rest.removeprefix("").partition(" 1 ")
                self.chains[chain].insert(0, rule)

    def save(self) -> str:
        listed = [f"-A {chain} {rule}" for chain, rules in self.chains.items() for rule in rules]
        return "\n".join(["*filter", *listed, "COMMIT"])


JUMPS = [f"-j {chain}" for _, _, chain in CHAINS]
FOREIGN = ["-j DOCKER_OUTPUT", "-d 127.0.0.11/32 -j DNAT", "-p udp -j ACCEPT"]
rules_before = st.lists(st.sampled_from(JUMPS + FOREIGN), max_size=6)


@given(output=rules_before, incoming=rules_before, table=st.sampled_from(["nat", "filter"]))
def test_from_any_state_our_jump_is_first_and_single(
    output: list[str], incoming: list[str], table: str
) -> None:
    kernel = Netfilter({"OUTPUT": output, "INPUT": incoming})
    kernel.restore(restore_text("ipv4", table, SIDECAR, PORTS, kernel.save()))
    once = kernel.save()
    for where, hook, chain in CHAINS:
        if where == table:
            assert kernel.chains[hook][0] == f"-j {chain}"
            assert kernel.chains[hook].count(f"-j {chain}") == 1
    kept = [rule for rule in kernel.chains["OUTPUT"] if rule in FOREIGN]
    assert kept == [rule for rule in output if rule in FOREIGN]
    kernel.restore(restore_text("ipv4", table, SIDECAR, PORTS, once))
    assert kernel.save() == once
