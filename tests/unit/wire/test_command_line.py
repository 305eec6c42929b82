"""The arguments that gateway and edge share."""

import argparse
import json
from pathlib import Path

import pytest
from tests.unit.wire.certificates import Authority

from pai.errors import SpecError
from pai.wire.command_line import add_common, address, control


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_common(parser, 30.0)
    return parser.parse_args(words)


def test_addresses() -> None:
    assert address("0.0.0.0:8443") == ("0.0.0.0", 8443)
    assert address("[::]:80") == ("::", 80)
    for text in ("80", ":80", "x:", "x:65536", "x:-1", "x:8o", "x:\u0661"):
        with pytest.raises(argparse.ArgumentTypeError, match="HOST:PORT"):
            address(text)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--data", "/d", "--bootstrap", "/b"),
        ("--data", "/d", "--drain-lead-seconds", "-1"),
        ("--data", "/d", "--drain-seconds", "nan"),
        ("--data", "/d", "--listen-probes", "80"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        parse(*words)


def test_defaults_are_those_of_one_machine() -> None:
    options = parse("--data", "/d")
    assert (options.drain_lead_seconds, options.drain_seconds) == (0.0, 30.0)
    assert options.listen_probes is None


def test_one_of_both_says_where_control_is(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "edge.credential").write_text("near")
    assert control(parse("--data", str(tmp_path)), "edge")().credential() == "near"
    document = {
        "control": "https://10.0.0.1:1",
        "ca_pem": Authority().pem,
        "server_name": "c",
        "credential": "far",
    }
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(document))
    assert control(parse("--bootstrap", str(path)), "edge")().credential() == "far"
    with pytest.raises(SpecError, match="/no/such"):
        control(parse("--bootstrap", "/no/such"), "edge")
