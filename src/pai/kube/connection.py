"""The way to an API server: address, trust and credentials, as an HTTP client."""

import os
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import msgspec
import yaml
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from pai.kube.errors import KubeConfigError
from pai.kube.exec_plugin import ExecPlugin

DEFAULT_KUBECONFIG = Path("~/.kube/config")
CONNECT_SECONDS = 5.0
_PARTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
# Each mirror, followed log and command holds a connection of its own (HTTP/1.1).
_LIMITS = httpx2.Limits(max_connections=500, max_keepalive_connections=20)
_TIMEOUT = httpx2.Timeout(30.0, connect=CONNECT_SECONDS, pool=10.0)


class Connection(NamedTuple):
    """An HTTP client for one API server, and the namespace of the chosen context."""

    http: httpx2.AsyncClient
    namespace: str


def from_kubeconfig(
    path: Path | None, context: str | None, now: Callable[[], datetime]
) -> Connection:
    """Return the connection of a kubeconfig's context, of the current one when None.

    path: None = all files of KUBECONFIG, else ~/.kube/config. Raises KubeConfigError.
    """
    files = [path] if path else _default_files()
    shown = os.pathsep.join(map(str, files))
    try:
        config = KubeConfig.from_dict(merged(files), fname=files[0]).get(context)
    except ConfigError as error:
        raise KubeConfigError(f"{shown}: {error}", hint="`kubectl config get-contexts`") from error
    except (
        yaml.YAMLError,
        msgspec.ValidationError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise KubeConfigError(f"{shown}: no kubeconfig ({type(error).__name__})") from error
    if config is None:
        raise KubeConfigError(f"{shown}: no current context", hint="name one with --context")
    return _connect(config, now, trust_env=True)


def in_cluster(now: Callable[[], datetime]) -> Connection:
    """Return the connection of the service account that this pod runs with.

    Its token is read again when the API server refuses the one in use, as the kubelet replaces
    the file. Proxies of the environment are not asked: they are for the world outside.
    Raises KubeConfigError.
    """
    try:
        config = KubeConfig.from_service_account().get()
    except (ConfigError, LookupError) as error:
        raise KubeConfigError(
            "this process does not run in a pod with a service account",
            hint="set automountServiceAccountToken, or use a kubeconfig",
        ) from error
    if config is None:
        raise KubeConfigError("the service account names no API server")
    return _connect(config, now, trust_env=False)


def merged(files: Sequence[Path]) -> dict[str, Any]:
    """Return several kubeconfigs as one, as kubectl does: of one name, the first counts.

    Files that are missing are passed over; paths inside are made absolute. Raises KubeConfigError.
    """
    found = [(file, yaml.safe_load(file.read_bytes()) or {}) for file in files if file.is_file()]
    if not found:
        shown = os.pathsep.join(map(str, files))
        raise KubeConfigError(f"{shown}: there is no such file", hint="name one with KUBECONFIG")
    whole: dict[str, Any] = {"clusters": [], "contexts": [], "users": []}
    for file, document in found:
        whole["current-context"] = whole.get("current-context") or document.get("current-context")
        for part, kind in _PARTS.items():
            known = {entry["name"] for entry in whole[part]}
            for entry in document.get(part) or ():
                if entry["name"] not in known:
                    whole[part].append({**entry, kind: _absolute(entry[kind] or {}, file.parent)})
    return whole


def _absolute(entry: dict[str, Any], directory: Path) -> dict[str, Any]:
    paths = {name: str(directory / entry[name]) for name in _PATHS if entry.get(name)}
    return {**entry, **paths}


def _default_files() -> list[Path]:
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [Path(part) for part in named] or [DEFAULT_KUBECONFIG.expanduser()]


def _connect(config: SingleConfig, now: Callable[[], datetime], *, trust_env: bool) -> Connection:
    user = config.user or User()
    config = config._replace(user=user)
    wish = ConnectionParams(timeout=_TIMEOUT, trust_env=trust_env)
    try:
        given = wish.httpx_params(config)
    except (ConfigError, OSError, ssl.SSLError, ValueError) as error:
        raise KubeConfigError(
            f"context {config.context_name}: certificates or credentials can't be used: {error}"
        ) from error
    if user.exec and not (user.token or user.token_file):
        given["auth"] = ExecPlugin(user.exec, config.cluster, now)
    return Connection(httpx2.AsyncClient(**given, limits=_LIMITS), config.namespace)
