"""The bootstrap file: read through links, never quoted."""

import json
from pathlib import Path

import pytest
from tests.unit.wire.certificates import Authority

from pai.errors import SpecError
from pai.wire.bootstrap import read_bootstrap

GOOD = {
    "control": "https://10.0.0.1:1",
    "ca_pem": Authority().pem,
    "server_name": "control.pai.internal",
    "credential": "canary",
}


@pytest.mark.parametrize(
    "content",
    [
        "canary",
        "",
        json.dumps({**GOOD, "credential": 7}),
        json.dumps({**GOOD, "control": "http://10.0.0.1:1"}),
        json.dumps({**GOOD, "control": "https://10.0.0.1"}),
        json.dumps({**GOOD, "control": "https://10.0.0.1:canary"}),
        json.dumps({**GOOD, "ca_pem": ""}),
        json.dumps({**GOOD, "ca_pem": "canary"}),
    ],
)
def test_a_file_that_can_not_work_names_itself_and_is_not_quoted(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "bootstrap.json"
    path.write_text(content)
    with pytest.raises(SpecError) as caught:
        read_bootstrap(str(path))
    assert caught.value.message == f"{path}: not a bootstrap file"


def test_a_missing_file_names_itself() -> None:
    with pytest.raises(SpecError, match="/no/such: No such file"):
        read_bootstrap("/no/such")


def test_the_links_of_a_mounted_volume_are_followed(tmp_path: Path) -> None:
    (tmp_path / "..1").mkdir()
    (tmp_path / "..1" / "bootstrap.json").write_text(json.dumps(GOOD))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "bootstrap.json").symlink_to("..data/bootstrap.json")
    assert read_bootstrap(str(tmp_path / "bootstrap.json")).credential == "canary"
