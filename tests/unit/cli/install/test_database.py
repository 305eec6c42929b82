import base64
import io
import sys
from pathlib import Path

import pytest

from pai.cli.failures import CommandError, UsageError
from pai.cli.install.database import VARIABLE, database_url, secret
from pai.render.platform import Options

URL = "postgresql://pai:hunter2@db.example:5432/pai?sslmode=verify-full"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell without the variable."""
    monkeypatch.delenv(VARIABLE, raising=False)


def test_nobody_gave_one() -> None:
    assert database_url(None, None) is None


def test_it_comes_from_a_file_standard_input_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    assert database_url(None, str(tmp_path / "url")) == URL
    monkeypatch.setattr(sys, "stdin", io.StringIO(f" {URL}\n"))
    assert database_url(None, "-") == URL
    monkeypatch.setenv(VARIABLE, URL)
    assert database_url(None, None) == URL
    assert capsys.readouterr().err == ""


def test_on_the_command_line_it_is_taken_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert database_url(URL, None) == URL
    told = capsys.readouterr().err
    assert "list of processes" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", "mysql://u:hunter2@h/d", "postgresql://u:hunter2@/d", "postgresql://h:[/x",
     "postgresql://u:hunter2@h/", "postgresql://u:hunter2@h/d\nx"],
)  # fmt: skip
def test_what_is_no_url_is_refused_and_not_quoted(text: str, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(text)
    with pytest.raises(CommandError) as caught:
        database_url(None, str(tmp_path / "url"))
    assert "hunter2" not in caught.value.message + (caught.value.hint or "")


def test_files_that_are_not_there_and_two_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        database_url(None, str(tmp_path / "none"))
    with pytest.raises(UsageError):
        database_url(URL, "-")


def test_it_goes_into_the_secret_that_control_reads() -> None:
    found = secret(Options(), URL)
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == (
        "pai-database",
        "pai-system",
    )
    assert base64.b64decode(found["data"]["url"]).decode() == URL
