from pathlib import Path

import pytest

from pai.cli.failures import CommandError
from pai.cli.install.authorities import authorities


def test_a_file_is_read_and_an_empty_name_means_no_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----")
    assert authorities(str(file)) == "-----BEGIN CERTIFICATE-----"
    assert authorities("") == ""
    assert authorities(None) is None


def test_what_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        authorities(str(tmp_path / "none.pem"))
    der = tmp_path / "ca.der"
    der.write_bytes(b"\x30\x82\xff")
    with pytest.raises(CommandError, match="not PEM"):
        authorities(str(der))
