"""Which tool is run on which table, and when a failure may be passed over."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from pai.runtime.prepare import packets
from pai.runtime.prepare.packets import RulesError, apply_rules


class Tools:
    """Stands for the iptables programs: records calls, fails those whose name is in `broken`."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.broken: set[str] = set()

    def run(self, command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        self.calls.append(command)
        if command[0] in self.broken:
            return subprocess.CompletedProcess(command, 4, "", "no such\nmodule")
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tools:
    made = Tools()
    monkeypatch.setattr(subprocess, "run", made.run)
    kernel(monkeypatch, tmp_path, addresses="00000000000000000000000000000001 01 80 10 80 lo\n")
    return made


def kernel(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    addresses: str | None = "",
    disabled: str = "0",
    legacy: str = "",
) -> None:
    (tmp_path / "disabled").write_text(f"{disabled}\n")
    (tmp_path / "legacy").write_text(legacy)
    (tmp_path / "addresses").unlink(missing_ok=True)
    if addresses is not None:
        (tmp_path / "addresses").write_text(addresses)
    monkeypatch.setattr(packets, "_ADDRESSES", str(tmp_path / "addresses"))
    monkeypatch.setattr(packets, "_DISABLED", str(tmp_path / "disabled"))
    tables = {"ipv4": str(tmp_path / "legacy"), "ipv6": str(tmp_path / "absent")}
    monkeypatch.setattr(packets, "_LEGACY_TABLES", tables)


def names(tools: Tools) -> list[str]:
    return [" ".join([call[0], *call[2:3]]) for call in tools.calls]


def test_both_families_filter_first(tools: Tools) -> None:
    apply_rules(65531, (8082,))
    assert names(tools) == [
        "iptables-nft-save filter",
        "iptables-nft-restore --wait",
        "iptables-nft-save nat",
        "iptables-nft-restore --wait",
        "ip6tables-nft-save filter",
        "ip6tables-nft-restore --wait",
        "ip6tables-nft-save nat",
        "ip6tables-nft-restore --wait",
    ]


def test_the_backend_of_the_engines_own_rules_is_used(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel(monkeypatch, tmp_path, addresses=None, legacy="filter\nnat\n")
    apply_rules(65531, (8082,))
    assert {call[0] for call in tools.calls} == {"iptables-legacy-save", "iptables-legacy-restore"}


@pytest.mark.parametrize("broken", ["iptables-nft-save", "iptables-nft-restore"])
def test_a_failure_of_ipv4_is_always_one(tools: Tools, broken: str) -> None:
    tools.broken = {broken}
    with pytest.raises(
        RulesError, match=r"ipv4 rules can't be applied: .*no such module"
    ) as raised:
        apply_rules(65531, (8082,))
    assert raised.value.hint and "NET_ADMIN" in raised.value.hint


def test_a_missing_program_is_said(monkeypatch: pytest.MonkeyPatch, tools: Tools) -> None:
    def absent(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "run", absent)
    with pytest.raises(RulesError, match="iptables-nft-save"):
        apply_rules(65531, (8082,))


@pytest.mark.parametrize(
    ("addresses", "disabled", "fatal"),
    [("lo\n", "0", True), ("lo\n", "1", True), ("", "0", True), ("", "1", False)],
)
def test_ipv6_may_fail_only_where_none_is_spoken(
    tools: Tools,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    addresses: str,
    disabled: str,
    fatal: bool,
) -> None:
    kernel(monkeypatch, tmp_path, addresses=addresses, disabled=disabled)
    tools.broken = {"ip6tables-nft-restore"}
    if fatal:
        with pytest.raises(RulesError, match="ipv6"):
            apply_rules(65531, (8082,))
    else:
        apply_rules(65531, (8082,))


def test_a_kernel_without_ipv6_is_not_asked(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel(monkeypatch, tmp_path, addresses=None)
    apply_rules(65531, (8082,))
    assert not any(call[0].startswith("ip6") for call in tools.calls)
