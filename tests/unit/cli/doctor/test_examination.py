"""The doctor on machines that lack something; where all is well is in test_startup."""

import os
import shutil
import socket
import stat
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.fakes.engine_api import serve

from pai.cli.doctor import engine_checks, examine, machine_checks, platform_checks
from pai.cli.locations import DataDir
from pai.cli.output.doctor import Check
from pai.cli.supervisor.pidfile import PidFile, Running
from pai.cli.supervisor.processes import Identity
from pai.ir.settings import Settings

Usage = namedtuple("Usage", "total used free")
DATA = DataDir(Path("/nonexistent/data"))


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.make()
    return made


def only(checks: list[Check]) -> Check:
    [check] = checks
    return check


def test_it_works_when_there_is_nothing_at_all(tmp_path: Path) -> None:
    checks = {check.name: check for check in examine(DataDir(tmp_path / "data"))}
    assert checks["settings"].found == "none written; the defaults hold"
    assert "will be made" in checks["data directory"].found
    assert checks["processes"].advice == "pai up -d"
    assert not (tmp_path / "data").exists()


def test_every_failure_has_advice(data: DataDir) -> None:
    data.settings.write_text("engine = 7\n")
    data.root.chmod(0o755)
    bad = [check for check in examine(data) if check.level != "OK"]
    assert {"settings", "data directory"} <= {check.name for check in bad}
    assert all(check.advice for check in bad)


def test_a_check_that_breaks_does_not_keep_the_others(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise PermissionError(13, "Permission denied", "/proc/net")

    monkeypatch.setattr(shutil, "disk_usage", broken)
    checks = {check.name: check for check in examine(data)}
    assert checks["disk space"].level == "WARN"
    assert "Permission denied" in checks["disk space"].found
    assert "clock" in checks


def test_no_engine(tmp_path: Path) -> None:
    check = only(list(engine_checks.engine(Settings(engine=f"unix://{tmp_path}/no"), DATA)))
    assert (check.level, check.found) == ("FAIL", f"{tmp_path}/no does not exist")


def test_an_engine_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "e.sock"))
        settings = Settings(engine=f"unix://{tmp_path}/e.sock")
        check = only(list(engine_checks.engine(settings, DATA)))
    assert check.level == "FAIL"
    assert "does not answer" in check.found


def test_no_permission_for_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(tmp_path / "e.sock") as engine:
        monkeypatch.setattr(os, "access", lambda *_: False)
        check = only(list(engine_checks.engine(Settings(engine=engine.url), DATA)))
    assert "no permission" in check.found
    assert "usermod" in check.advice


def test_engine_and_image(tmp_path: Path) -> None:
    with serve(tmp_path / "e.sock") as engine:
        settings = Settings(engine=engine.url)
        levels = [check.level for check in engine_checks.engine(settings, DATA)]
        assert levels == ["OK", "OK"]
        engine.images.clear()
        engine.version = "1.0"
        levels = [check.level for check in engine_checks.engine(settings, DATA)]
        assert levels == ["FAIL", "FAIL"]


@pytest.mark.parametrize(
    ("free", "level"), [(50 << 30, "OK"), (1 << 30, "WARN"), (1 << 20, "FAIL")]
)
def test_disk_space(free: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 << 30, 0, free))
    assert only(list(platform_checks.disk_space(Settings(), DATA))).level == level


def test_files_with_secrets_that_others_can_read(data: DataDir) -> None:
    key = data.root / "instance.key"
    key.write_bytes(b"k")
    key.chmod(0o644)
    checks = list(platform_checks.data_directory(Settings(), data))
    assert [check.level for check in checks] == ["OK", "FAIL"]
    assert checks[1].advice == f"chmod 600 {key}"
    assert stat.S_IMODE(key.stat().st_mode) == 0o644  # the doctor looks, it does not touch


def test_a_taken_port(data: DataDir) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        free = Settings(api_port=0, gateway_port=0, edge_port=0)
        settings = msgspec.structs.replace(free, edge_port=port)
        found = {check.name: check for check in platform_checks.ports(settings, data)}
    assert found[f"port {port}"].level == "FAIL"
    assert "is taken by" in found[f"port {port}"].found
    assert "--edge-port" in found[f"port {port}"].advice


def test_dead_processes_are_named(data: DataDir) -> None:
    lock = PidFile(data.pid_file)
    assert lock.acquire()
    lock.write(Running(Identity(1, 1, "b"), "2026-03-01T12:00:00+00:00", 1, 2, 3))
    try:
        check = only(list(platform_checks.processes(Settings(gateway_workers=1), data)))
        unreachable = list(platform_checks.control(Settings(api_port=9), data))
    finally:
        lock.release()
    assert check.found == "not running: control, edge-0, gateway-0"
    assert [item.level for item in unreachable] == ["FAIL", "FAIL"]


@pytest.mark.parametrize(
    ("now", "drift", "newest", "level"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), 0.0, 0.0, "OK"),
        (datetime(1970, 1, 1, tzinfo=UTC), 0.0, 0.0, "FAIL"),
        (datetime(2026, 3, 1, tzinfo=UTC), 30.0, 0.0, "WARN"),
        (datetime(2026, 3, 1, tzinfo=UTC), 0.0, 2e9, "FAIL"),
    ],
)
def test_the_clock(
    now: datetime,
    drift: float,
    newest: float,
    level: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine_checks, "utc_now", lambda: now)
    monkeypatch.setattr(machine_checks, "_drift_seconds", lambda: drift)
    monkeypatch.setattr(machine_checks, "_newest_change", lambda _: newest)
    assert only(list(machine_checks.clock(Settings(), DATA))).level == level


def test_cgroups_of_version_one(tmp_path: Path) -> None:
    table = tmp_path / "cgroups"
    table.write_text("#subsys_name\thierarchy\tnum\tenabled\ncpu\t1\t1\t1\nmemory\t2\t1\t0\n")
    assert machine_checks._version_one(table) == {"cpu"}
