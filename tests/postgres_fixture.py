"""`postgres`: a real PostgreSQL server in a directory of its own, on a Unix socket alone."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "s3cr@t/word"  # needs encoding, and must show nowhere
_ENCODED = "s3cr%40t%2Fword"
_USER = "pai"
_WAY_OUT = "needs PostgreSQL's server: scripts/packages.sh postgresql"
_BASICS = {
    "listen_addresses": "",
    "max_connections": "50",
    "shared_buffers": "16MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "jit": "off",
}


class PostgresServer:
    """One server. Its program refuses root, so it runs as `postgres` then."""

    def __init__(self, directory: Path, *, fsync: bool) -> None:
        self.directory = directory
        self._settings = {**_BASICS, "fsync": "on" if fsync else "off"}
        self._names = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._run_as = ["setpriv", "--pdeathsig", "QUIT"]  # no server outlives its test run
        if os.getuid() == 0:
            self._run_as += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]

    def create(self) -> None:
        """Make the files and start."""
        password = self.directory / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
            shutil.chown(password, "postgres", "postgres")
        command = [*self._run_as, str(_programs() / "initdb"), "-D", str(self.directory / "data")]
        command += ["-U", _USER, "--pwfile", str(password), "--auth", "scram-sha-256"]
        command += ["--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.start()

    def start(self) -> None:
        """Start, and return once it answers."""
        command = [*self._run_as, str(_programs() / "postgres"), "-k", str(self.directory)]
        command += ["-D", str(self.directory / "data")]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        for _ in range(600):
            with suppress(psycopg.OperationalError):
                self.admin().close()
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError((self.directory / "log").read_text()[-2000:])

    def crash(self) -> None:
        """End all of it at once, as `pg_ctl stop -m immediate` does: recovery runs at the start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def url(self, database: str) -> str:
        """Return the URL of a database, with the password in it."""
        return f"postgresql://{_USER}:{_ENCODED}@/{database}?host={self.directory}"

    def new_database(self) -> str:
        """Return the URL of an empty schema: as good as a database, and made at once."""
        name = f"t{next(self._names)}"
        with self.admin() as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}&options=-csearch_path%3D{name}"

    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of our own."""
        return psycopg.connect(self.url("postgres"), autocommit=True)


@contextmanager
def postgres_server(*, fsync: bool) -> Iterator[PostgresServer]:
    """Run one server. fsync: whether what it acknowledged survives the end of the machine."""
    directory = Path(tempfile.mkdtemp(prefix="pai-pg.", dir="/tmp"))  # a socket's path is short
    server = PostgresServer(directory, fsync=fsync)
    try:
        server.create()
        yield server
    finally:
        server.crash()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for the whole run; it forgets what it wrote when the machine crashes."""
    with postgres_server(fsync=False) as server:
        yield server


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    """A server that syncs to disk, for a test that crashes it."""
    with postgres_server(fsync=True) as server:
        yield server


@pytest.fixture
def new_database(postgres: PostgresServer) -> Callable[[], str]:
    """Give the URL of an empty database at each call."""
    return postgres.new_database


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        pytest.fail(_WAY_OUT, pytrace=False)
    return Path(on_path).resolve().parent
