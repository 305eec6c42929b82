"""Where the database is: a PostgreSQL URL, or the file or the variable that holds one."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pai.errors import SpecError

_SCHEMES = ("postgresql://", "postgres://")
_SECRETS = ("password", "sslpassword")
_SHAPE = (
    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE; special characters of the password as %XX,"
    " e.g. %40 for @"
)
# What is left of a password with a bare special character lands in these, and libpq's errors
# quote them. So what no host, port or name holds is refused before anything is dialled.
_HARMLESS = {
    "host": re.compile(r"[^@]*"),
    "hostaddr": re.compile(r"[^@]*"),
    "port": re.compile(r"[0-9,]*"),
    "dbname": re.compile(r"[^@/]*"),
}
# Ours, where the URL says nothing else. A peer that vanished is noticed within about ten seconds.
_DEFAULTS = {
    "application_name": "pai",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "gssencmode": "disable",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "target_session_attrs": "read-write",
}


def is_postgres(text: str) -> bool:
    """Say whether a text names a PostgreSQL database rather than a file of SQLite."""
    return text.startswith((*_SCHEMES, *_SOURCES))


class DatabaseUrl:
    """A PostgreSQL URL that shows its password to nobody but libpq.

    source: the URL itself, `file:PATH` or `env:NAME`. File and variable are read for every new
    connection, so a rotated password needs no restart. All of libpq's parameters pass through.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def __repr__(self) -> str:
        return "DatabaseUrl(...)"

    def parameters(self) -> dict[str, str]:
        """Return libpq's parameters. Raises SpecError, which quotes nothing of the URL."""
        url = self._url()
        if not url.startswith(_SCHEMES):
            raise SpecError("database URL: it does not start with postgresql://", hint=_SHAPE)
        try:
            given = conninfo_to_dict(url)
        except (psycopg.Error, ValueError):
            raise SpecError("database URL: it can't be read", hint=_SHAPE) from None
        found = {name: str(value) for name, value in given.items()}
        for name, pattern in _HARMLESS.items():
            if not pattern.fullmatch(found.get(name, "")):
                raise SpecError(f"database URL: its {name} can't be right", hint=_SHAPE)
        return {**_DEFAULTS, **found}

    def without_secrets(self, text: str) -> str:
        """Return `text` with every password of the URL blotted out."""
        try:
            parameters = self.parameters()
        except SpecError:
            return "(not shown)"  # the URL has gone bad since: what to blot out is not known
        for secret in (parameters.get(name) for name in _SECRETS):
            text = text.replace(secret, "***") if secret else text
        return text

    def _url(self) -> str:
        for prefix, read in _SOURCES.items():
            if self._source.startswith(prefix):
                return read(self._source.removeprefix(prefix)).strip()
        return self._source


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise SpecError(f"database URL: {path}: {why}", hint=f"{path} holds {_SHAPE}") from error


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise SpecError(f"database URL: the variable {name} is not set", hint=f"set it to {_SHAPE}")
    return os.environ[name]


_SOURCES: dict[str, Callable[[str], str]] = {"file:": _from_file, "env:": _from_environment}
