"""Where the database is; and that nothing of a password is ever said, however it was mistyped."""

import traceback
from pathlib import Path

import pytest

from pai.errors import SpecError
from pai.postgres import DatabaseUrl, is_postgres

SECRET = "postgresql://pai:s3cr%40t@db.example:5433/pai?sslmode=verify-full&connect_timeout=9"


def test_what_the_url_says_passes_through_and_the_rest_is_ours() -> None:
    found = DatabaseUrl(SECRET).parameters()
    assert (found["host"], found["port"], found["dbname"]) == ("db.example", "5433", "pai")
    assert (found["user"], found["password"]) == ("pai", "s3cr@t")
    assert (found["sslmode"], found["connect_timeout"]) == ("verify-full", "9")
    assert found["target_session_attrs"] == "read-write"
    several = DatabaseUrl("postgres://a:1,b:2,[::1]:3/pai").parameters()
    assert (several["host"], several["port"]) == ("a,b,::1", "1,2,3")


def test_a_url_is_told_from_a_file() -> None:
    for text in (SECRET, "postgres://h/d", "file:/run/secrets/url", "env:PAI_DATABASE"):
        assert is_postgres(text)
    for text in ("/data/ledger.db", "ledger.db", "postgresql.db"):
        assert not is_postgres(text)


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "url"
    url = DatabaseUrl(f"file:{file}")
    with pytest.raises(SpecError, match="No such file") as caught:
        url.parameters()
    assert caught.value.hint
    for password in ("one", "two"):
        file.write_text(f"postgresql://pai:{password}@db/pai\n")
        assert url.parameters()["password"] == password
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="not text"):
        url.parameters()


def test_a_variable_may_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    url = DatabaseUrl("env:PAI_TEST_DATABASE")
    with pytest.raises(SpecError, match="PAI_TEST_DATABASE is not set"):
        url.parameters()
    monkeypatch.setenv("PAI_TEST_DATABASE", SECRET)
    assert url.parameters()["host"] == "db.example"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://pai:hush/hush@db/pai",
        "postgresql://pai:1234/hush@db/pai",
        "postgresql://pai:x@hush@db/pai",
        "postgresql://pai:hush%zz@db/pai",
        "postgresql://pai:x@db:hush/pai",
        "postgresql://pai:x@db/pai?hush=hush",
        "postgresql://[hush/pai",
        "mysql://pai:hush@db/pai",
        "host=db password=hush",
        "",
    ],
)
def test_what_is_wrong_is_said_without_quoting(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        DatabaseUrl(text).parameters()
    assert caught.value.hint
    told = "".join(traceback.format_exception(caught.value, limit=0)) + str(caught.value.hint)
    assert "hush" not in told and "1234" not in told


def test_passwords_are_blotted_out() -> None:
    url = DatabaseUrl(SECRET + "&sslpassword=key")
    assert url.without_secrets("no s3cr@t key here") == "no *** *** here"
    assert DatabaseUrl("postgresql://h/d").without_secrets("as it is") == "as it is"
    assert DatabaseUrl("nonsense:hush").without_secrets("hush") == "(not shown)"
    assert "s3cr" not in repr(url)
