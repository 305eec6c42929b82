"""The database's URL: where it comes from, and the Secret it goes to. It is never shown."""

import base64
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pai.cli import terminal
from pai.cli.failures import CommandError, UsageError
from pai.kube import Json
from pai.render.platform import DATABASE_SECRET, Options
from pai.render.platform.manifest import namespaced

VARIABLE = "PAI_DATABASE_URL"
_SCHEMES = ("postgresql", "postgres")


def database_url(given: str | None, file: str | None) -> str | None:
    """Return the URL from the option, the file, standard input (`-`) or $PAI_DATABASE_URL.

    None when nobody gave one. Raises CommandError for what is no PostgreSQL URL.
    """
    if given and file:
        raise UsageError("--database-url and --database-url-file", hint="one of them")
    if given:
        terminal.warn(
            "--database-url stands in the list of processes and your shell's history: "
            f"--database-url-file FILE (or -), or ${VARIABLE}"
        )
        return _checked(given, "--database-url")
    if file == "-":
        return _checked(sys.stdin.read(), "standard input")
    if file:
        return _checked(_read(file), file)
    environment = os.environ.get(VARIABLE)
    return _checked(environment, f"${VARIABLE}") if environment else None


def secret(options: Options, url: str) -> Json:
    """Return the Secret that control reads the URL from. Pure."""
    head = namespaced(options, "v1", "Secret", DATABASE_SECRET)
    return {**head, "type": "Opaque", "data": {"url": base64.b64encode(url.encode()).decode()}}


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "not text"
        raise CommandError(f"--database-url-file: {file}: {said}") from None


def _checked(text: str, where: str) -> str:
    """Return the URL without what surrounds it; it is not quoted in any error."""
    url = text.strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme.partition("+")[0] in _SCHEMES and parts.hostname and parts.path != "/"
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        raise CommandError(
            f"{where}: not the URL of a PostgreSQL database",
            hint="postgresql://USER:PASSWORD@HOST:5432/NAME?sslmode=verify-full",
        )
    return url
