"""A connection to the API server of one kubeconfig context."""

import ipaddress
import os
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from pai import __version__
from pai.cli.cluster import kubeconfig
from pai.cli.cluster.credentials import ClusterAuth, Credentials, tls_context
from pai.cli.cluster.kubeconfig import Target
from pai.cli.failures import CommandError

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True)
class Connection:
    """How to reach an API server as one user. tls: None for a proxy on this machine."""

    target: Target
    credentials: Credentials
    tls: ssl.SSLContext | None

    def http(self, transport: httpx.BaseTransport | None = None) -> httpx.Client:
        """Return a client; the name to verify is said where the kubeconfig names one."""
        name = self.target.tls_name

        def ask_for_name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = name

        return httpx.Client(
            base_url=self.target.server,
            headers={"user-agent": f"pai/{__version__}"},
            auth=ClusterAuth(self.credentials),
            verify=self.tls or True,
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=False,
            event_hooks={"request": [ask_for_name] if name else []},
        )


def open_connection(files: str | None, context: str | None) -> Connection:
    """Return the connection of a kubeconfig context; nothing is sent yet.

    files: kubeconfig files, separated as in PATH; None: where kubectl looks.
    Raises CommandError when the kubeconfig does not say enough.
    """
    target = kubeconfig.target(kubeconfig.files(files), context)
    credentials = Credentials(target)
    if target.server.startswith("https://"):
        return Connection(target, credentials, tls_context(target, credentials))
    if not _is_loopback(target.server):
        raise CommandError(
            f"context {target.context}: {target.server} is not encrypted",
            hint="https, or a proxy on this machine",
        )
    return Connection(target, credentials, None)


def kept_files(given: str | None) -> str:
    """Return the kubeconfig files in use now, in the form that a context keeps."""
    return os.pathsep.join(str(path) for path in kubeconfig.files(given))


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
