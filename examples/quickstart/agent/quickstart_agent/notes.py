"""The outside service, called like any other API: HTTPS and a bearer token."""

import json
import os
import urllib.error
import urllib.request
from typing import Any

URL = os.environ.get("NOTES_URL", "https://notes.pai-demo.example")
TIMEOUT_SECONDS = 15


class RefusedError(Exception):
    """The call was answered with an error; the text says why."""


def add_note(title: str, text: str) -> dict[str, Any]:
    """Keep a note and return it as the service stored it. Raises RefusedError."""
    return _call("POST", "/notes", {"title": title, "text": text})


def remove_note(number: int) -> dict[str, Any]:
    """Remove a note. Raises RefusedError, as always when a policy allows only get and post."""
    return _call("DELETE", f"/notes/{number}", None)


def _call(method: str, path: str, body: dict[str, str] | None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {
        "authorization": f"Bearer {os.environ.get('NOTES_TOKEN', '')}",
        "content-type": "application/json",
    }
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            stored: dict[str, Any] = json.load(answer)
            return stored
    except urllib.error.HTTPError as error:
        with error:
            raise RefusedError(_reason(error.code, error.read(4096))) from error
    except OSError as error:
        raise RefusedError(f"{method} {URL}{path}: {error}") from error


def _reason(status: int, body: bytes) -> str:
    """Say status and reason; Pai's refusals carry an object named `error`."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return str(status)
    if isinstance(error, dict):
        return f"{status} {error.get('code', '')}: {error.get('message', '')}"
    return f"{status} {error}"
