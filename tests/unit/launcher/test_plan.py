"""Hostile and broken plans: one line, exit 1, and nothing was done."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Run

BROKEN = {
    "unknown step": (b"copy\ta\tb\n", "unknown step"),
    "no fields": (b"file\n", "wrong number of fields"),
    "too few": (b"file\t/v\tx\t/s\n", "wrong number of fields"),
    "too many": (b"file\t/v\tx\t/s\t0644\tmore\n", "wrong number of fields"),
    "far too many": (b"file" + b"\tx" * 1000 + b"\n", "wrong number of fields"),
    "blank line": (b"\n", "unknown step"),
    "cut escape": (b"file\t/v\tx%2\t/s\t0644\n", "%-encoding"),
    "escape at the end": (b"file\t/v\tx\t/s\t0644%", "%-encoding"),
    "no hex": (b"file\t/v\tx%zz\t/s\t0644\n", "%-encoding"),
    "encoded NUL": (b"file\t/v\tx%00y\t/s\t0644\n", "%-encoding"),
    "raw NUL": (b"file\t/v\tx\0y\t/s\t0644\n", "NUL"),
    "relative root": (b"file\tv\tx\t/s\t0644\n", "not absolute"),
    "relative source": (b"file\t/v\tx\ts\t0644\n", "not absolute"),
    "absolute target": (b"file\t/v\t/etc/passwd\t/s\t0644\n", "RELATIVE"),
    "dot dot": (b"file\t/v\ta/../../b\t/s\t0644\n", "RELATIVE"),
    "encoded dot dot": (b"file\t/v\t%2e%2e/b\t/s\t0644\n", "RELATIVE"),
    "dot": (b"file\t/v\t./b\t/s\t0644\n", "RELATIVE"),
    "directory": (b"file\t/v\ta/\t/s\t0644\n", "RELATIVE"),
    "empty part": (b"file\t/v\ta//b\t/s\t0644\n", "RELATIVE"),
    "empty target": (b"file\t/v\t\t/s\t0644\n", "RELATIVE"),
    "our temporary name": (b"file\t/v\ta/.pai-seed.tmp\t/s\t0644\n", "RELATIVE"),
    "setuid mode": (b"file\t/v\tx\t/s\t4755\n", "MODE"),
    "mode no number": (b"file\t/v\tx\t/s\t-644\n", "MODE"),
    "limit no number": (b"fill\t/i\t/v\t-1\n", "MAX_BYTES"),
    "limit too large": (b"fill\t/i\t/v\t99999999999999999999\n", "MAX_BYTES"),
    "fill relative": (b"fill\ti\t/v\t1\n", "not absolute"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_does_nothing(name: str, run: Run, tmp_path: Path) -> None:
    text, reason = BROKEN[name]
    (tmp_path / "v").mkdir()
    source = tmp_path / "s"
    source.write_text("x")
    good = f"file\t{tmp_path / 'v'}\tfirst\t{source}\t0644\n".encode()
    plan = tmp_path / "plan"
    plan.write_bytes(good + text)
    done = run("seed", plan)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and reason in done.stderr, done.stderr
    if reason != "NUL":
        assert "line 2" in done.stderr
    assert os.listdir(tmp_path / "v") == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.binary(max_size=300)
    | st.lists(
        st.sampled_from([b"file", b"fill", b"\t", b"\n", b"%", b"%41", b"/nowhere", b".."])
    ).map(b"".join)
)
def test_no_plan_crashes_it(text: bytes, run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan"
    plan.write_bytes(text)
    done = run("seed", plan)
    assert done.returncode == (1 if text else 0)


def test_an_empty_plan_is_done(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("")
    assert run("seed", tmp_path / "plan").returncode == 0


def test_a_plan_that_is_no_file_is_refused(run: Run, tmp_path: Path) -> None:
    assert "No such file" in run("seed", tmp_path / "none").stderr
    assert "regular" in run("seed", tmp_path).stderr
    os.mkfifo(tmp_path / "pipe")
    assert "regular" in run("seed", tmp_path / "pipe").stderr
    assert "regular" in run("seed", "/dev/zero").stderr


def test_a_plan_too_large_is_refused(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "plan").open("wb") as file:
        file.truncate(17 << 20)
    assert "larger" in run("seed", tmp_path / "plan").stderr


@pytest.mark.parametrize("words", [[], ["seed"], ["seed", "a", "b"], ["pause", "x"], ["sh"], [""]])
def test_wrong_usage(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: usage:")


def test_version(run: Run) -> None:
    assert run("version").stdout == "pai-launcher 0.1.0\n"
