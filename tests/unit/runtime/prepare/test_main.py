"""The step as a whole, with and without privilege. Really run as another user where tests may."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pai.ir.prepare import PreparePlan, VolumeOwner
from pai.runtime.prepare import __main__ as step

NOBODY = 65531

UNPRIVILEGED = """
import os, sys
from pathlib import Path
from pai.runtime.prepare import __main__ as step
from pai.runtime.prepare import run_volume
folder = Path(sys.argv[1])
os.setgroups([int(word) for word in sys.argv[2:]])
os.setgid(65531)
os.setuid(65531)
step.PREPARE_PLAN_PATH = str(folder / "prepare.json")
run_volume.SYSTEM_ROOTS = folder / "roots.pem"
fill = run_volume.fill_run_volume
step.fill_run_volume = lambda plan: fill(plan, folder / "run", folder / "launcher")
sys.exit(step.main())
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What the step did, in order; nothing is really done."""
    done: list[str] = []
    monkeypatch.setattr(step, "PREPARE_PLAN_PATH", str(tmp_path / "prepare.json"))
    monkeypatch.setattr(step, "apply_rules", lambda uid, ports: done.append(f"rules {uid} {ports}"))
    monkeypatch.setattr(step, "own_fresh_volumes", lambda volumes: done.append("own"))
    monkeypatch.setattr(step, "check_writable", lambda volumes, groups: done.append("check"))
    monkeypatch.setattr(step, "fill_run_volume", lambda plan: done.append("fill"))
    return done


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (PreparePlan(ca_pem=""), ["rules 65531 (8082,)", "own", "fill"]),
        (
            PreparePlan(ca_pem="", inbound_ports=(8082, 8083, 8084)),
            ["rules 65531 (8082, 8083, 8084)", "own", "fill"],
        ),
        (PreparePlan(ca_pem="", rules=False), ["check", "fill"]),
    ],
)
def test_the_plan_says_what_is_done(
    calls: list[str], tmp_path: Path, plan: PreparePlan, expected: list[str]
) -> None:
    (tmp_path / "..data").mkdir()  # as a mounted ConfigMap lies there
    (tmp_path / "..data" / "prepare.json").write_bytes(msgspec.json.encode(plan))
    (tmp_path / "prepare.json").symlink_to("..data/prepare.json")
    assert step.main() == 0
    assert calls == expected


def test_without_rules_no_program_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a program was run")

    monkeypatch.setattr(subprocess, "run", never)
    monkeypatch.setattr(step, "PREPARE_PLAN_PATH", str(tmp_path / "prepare.json"))
    monkeypatch.setattr(step, "fill_run_volume", lambda plan: None)
    plan = PreparePlan(ca_pem="", rules=False)
    (tmp_path / "prepare.json").write_bytes(msgspec.json.encode(plan))
    assert step.main() == 0


def prepare(folder: Path, plan: PreparePlan, *groups: int) -> "subprocess.CompletedProcess[str]":
    (folder / "prepare.json").write_bytes(msgspec.json.encode(plan))
    return subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(folder), *map(str, groups)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "src"},
        check=False,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as path:
        made = Path(path)
        made.chmod(0o755)
        (made / "run").mkdir()
        (made / "run").chmod(0o777)
        (made / "data").mkdir()
        (made / "roots.pem").write_text("roots")
        (made / "launcher").write_bytes(b"ELF")
        yield made


@pytest.mark.skipif(os.geteuid() != 0, reason="changing to another user needs root")
def test_it_runs_as_any_user(folder: Path) -> None:
    run, data = folder / "run", folder / "data"
    plan = PreparePlan(ca_pem="ours", rules=False, volumes=(VolumeOwner(str(data), 65532),))
    done = prepare(folder, plan)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {data}: UID 65532 can't write there")
    assert "hint:" in done.stderr
    assert not list(run.iterdir())

    os.chown(data, 0, 2000)
    data.chmod(0o2775)
    done = prepare(folder, plan, 2000)
    assert (done.returncode, done.stderr) == (0, "")
    assert (run / "launcher").stat().st_uid == NOBODY
    assert (run / "launcher").stat().st_mode & 0o777 == 0o755
    assert prepare(folder, plan, 2000).returncode == 0  # a second time
