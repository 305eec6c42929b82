"""The program: what its source asks for, and which Go may build it."""

import pytest
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.program import (
    FILES,
    PARTS,
    SOURCE,
    go_version,
    kubernetes_version,
    link_flags,
)


def test_the_source_names_its_kubernetes() -> None:
    assert kubernetes_version((SOURCE / "go.mod").read_text()) == "v1.34.4"
    assert all((SOURCE / name).exists() for name in FILES)
    with pytest.raises(ClusterError, match="no version"):
        kubernetes_version("module x\n")


def test_every_part_is_in_the_program() -> None:
    source = (SOURCE / "main.go").read_text()
    assert [part for part in PARTS if f'"{part}":' not in source] == []


@pytest.mark.parametrize(
    ("said", "version"),
    [("go1.26.8\n", (1, 26)), ("go1.9", (1, 9)), ("devel +abc", (0, 0)), ("", (0, 0))],
)
def test_a_go_says_its_version(said: str, version: tuple[int, int]) -> None:
    assert go_version(said) == version


def test_the_program_knows_its_version() -> None:
    flags = link_flags("v1.34.4")
    assert "version.gitVersion=v1.34.4" in flags
    assert "version.gitMajor=1 " in flags and flags.endswith("version.gitMinor=34")
