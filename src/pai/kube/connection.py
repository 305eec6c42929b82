"""The way to an API server: address, trust and credentials, as an HTTP client."""

import socket
import ssl
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec
import yaml
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from pai.kube.errors import KubeConfigError

CONNECT_SECONDS = 5.0
# Each mirror, followed log and command holds a connection of its own (HTTP/1.1).
_LIMITS = httpx2.Limits(max_connections=500, max_keepalive_connections=20)
# A peer that is gone without a word is noticed in half a minute, also by a silent watch.
_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
_TIMEOUT = httpx2.Timeout(30.0, connect=CONNECT_SECONDS, pool=10.0)


class Connection(NamedTuple):
    """An HTTP client for one API server, and the namespace of the chosen context."""

    http: httpx2.AsyncClient
    namespace: str


def from_kubeconfig(path: Path, context: str | None = None) -> Connection:
    """Return the connection of one kubeconfig's context, of the current one when None.

    For certificates and tokens in a file, where control runs outside of a pod; people's
    kubeconfigs, with plugins and several files, are read by `pai.cli.cluster`.
    Raises KubeConfigError.
    """
    try:
        config = KubeConfig.from_file(path).get(context)
    except ConfigError as error:
        raise KubeConfigError(f"{path}: {error}", hint="`kubectl config get-contexts`") from error
    except (
        OSError,
        yaml.YAMLError,
        msgspec.ValidationError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise KubeConfigError(f"{path}: no kubeconfig ({type(error).__name__})") from error
    if config is None:
        raise KubeConfigError(f"{path}: no current context", hint="name one with --context")
    if config.user is not None and config.user.exec:
        raise KubeConfigError(f"{path}: credential plugins are not supported here")
    return _connect(config)


def in_cluster() -> Connection:
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
    return _connect(config)


def _connect(config: SingleConfig) -> Connection:
    config = config._replace(user=config.user or User())
    wish = ConnectionParams(timeout=_TIMEOUT, trust_env=False)
    try:
        given = wish.httpx_params(config)
    except (ConfigError, OSError, ssl.SSLError, ValueError) as error:
        raise KubeConfigError(
            f"context {config.context_name}: certificates or credentials can't be used: {error}"
        ) from error
    given["transport"] = httpx2.AsyncHTTPTransport(
        verify=given["verify"], limits=_LIMITS, trust_env=False, socket_options=_KEEP_ALIVE
    )
    return Connection(httpx2.AsyncClient(**given, limits=_LIMITS), config.namespace)
