"""kubeconfig files, as kubectl reads them: several are merged, the first to name a thing wins.

Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pai.cli.failures import CommandError
from pai.errors import did_you_mean

Json = dict[str, Any]
_LISTS = {"clusters": "cluster", "users": "user", "contexts": "context"}


@dataclass(frozen=True)
class Target:
    """One context of a kubeconfig. user: as it is in the file, so never shown."""

    context: str
    server: str
    namespace: str
    ca_pem: str | None
    insecure: bool
    tls_name: str | None
    user: Json = field(repr=False)
    directory: Path = Path()

    def content(self, section: Json, name: str) -> bytes | None:
        """Return what `NAME-data` or the file `NAME` of a section holds.

        Raises CommandError when it can't be read.
        """
        return _content(section, name, self.directory)


def files(given: str | None) -> tuple[Path, ...]:
    """Return where to look: `given`, else $KUBECONFIG (several, as PATH), else ~/.kube/config."""
    named = given or os.environ.get("KUBECONFIG") or ""
    paths = [Path(part).expanduser().absolute() for part in named.split(os.pathsep) if part]
    return tuple(paths) or (Path.home() / ".kube" / "config",)


def target(paths: Sequence[Path], context: str | None) -> Target:
    """Return the named context, or the one in use.

    Raises CommandError when it is not there, or needs what is not supported.
    """
    merged = _merged(paths)
    name = context or merged["current"]
    where = os.pathsep.join(str(path) for path in paths)
    if not name:
        raise CommandError(f"{where}: no context is in use", hint="--kube-context NAME")
    if name not in merged["contexts"]:
        known = sorted(merged["contexts"])
        hint = did_you_mean(name, known) or "kubectl config get-contexts"
        raise CommandError(f"{where}: no context named {name!r}", hint=hint)
    chosen, _ = merged["contexts"][name]
    cluster, directory = _referred(merged, "clusters", chosen.get("cluster"), name)
    user, home = _referred(merged, "users", chosen.get("user"), name)
    return _target(name, chosen, (cluster, directory), (user, home))


def _target(name: str, chosen: Json, cluster: tuple[Json, Path], user: tuple[Json, Path]) -> Target:
    settings, directory = cluster
    if settings.get("proxy-url"):
        raise CommandError(f"context {name}: proxy-url is not supported", hint="reach it directly")
    server = str(settings.get("server") or "").rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise CommandError(f"context {name}: its cluster has no server")
    authority = _content(settings, "certificate-authority", directory)
    return Target(
        context=name,
        server=server,
        namespace=str(chosen.get("namespace") or "default"),
        ca_pem=authority.decode("ascii", "replace") if authority else None,
        insecure=settings.get("insecure-skip-tls-verify") is True,
        tls_name=settings.get("tls-server-name") or None,
        user=user[0],
        directory=user[1],
    )


def _referred(merged: Json, section: str, name: str | None, context: str) -> tuple[Json, Path]:
    found: tuple[Json, Path] | None = merged[section].get(name)
    if found is None:
        what = _LISTS[section]
        raise CommandError(f"context {context}: no {what} named {name!r} in the kubeconfig")
    return found


def _merged(paths: Sequence[Path]) -> Json:
    """Return all entries by section and name, each with the directory its paths are relative to."""
    merged: Json = {"current": None, **{section: {} for section in _LISTS}}
    documents = [(path.parent, _document(path)) for path in paths if path.exists()]
    if not documents:
        raise CommandError(f"{paths[0]}: no such file", hint="--kubeconfig FILE, or set KUBECONFIG")
    for directory, document in documents:
        merged["current"] = merged["current"] or document.get("current-context") or None
        for section, key in _LISTS.items():
            for entry in document.get(section) or ():
                merged[section].setdefault(entry["name"], (entry.get(key) or {}, directory))
    return merged


def _document(path: Path) -> Json:
    """Return one file as data; its content is never quoted, as it holds credentials."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = [entry for section in _LISTS for entry in document.get(section) or ()]
        good = all(isinstance(entry["name"], str) for entry in entries)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, AttributeError, TypeError, KeyError, ValueError):
        good = False
    if not good:
        raise CommandError(f"{path}: not a kubeconfig") from None
    found: Json = document
    return found


def _content(section: Json, name: str, directory: Path) -> bytes | None:
    data, file = section.get(f"{name}-data"), section.get(name)
    path = directory / str(file)
    try:
        if data:
            return base64.b64decode(data, validate=True)
        return path.read_bytes() if file else None
    except OSError as error:
        raise CommandError(f"{name}: {path}: {error.strerror}") from error
    except (binascii.Error, TypeError, ValueError):
        raise CommandError(f"{name}-data: not base64") from None
