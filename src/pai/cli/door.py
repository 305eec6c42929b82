"""The way of a WebSocket to a platform: `pai exec` has one, everything else is plain HTTP."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from pai.cli.client import MACHINE, Place
from pai.cli.contexts import Context


@dataclass(frozen=True)
class Door:
    """Where a WebSocket goes to, and what proves us there. socket: used in place of TCP."""

    server: str
    place: Place
    namespace: str
    authorization: str | None = field(default=None, repr=False)
    socket: str | None = None
    tls: ssl.SSLContext | None = None
    tls_name: str | None = None


def door_of(context: Context, namespace: str | None) -> Door:
    """Return the way to a context's platform."""
    if context.kube_context is not None:
        from pai.cli.cluster.platform import door  # machines without a cluster

        return door(context, namespace)
    socket = context.socket if context.socket and Path(context.socket).exists() else None
    token = f"Bearer {context.token}" if context.token else None
    return Door(context.server, MACHINE, namespace or context.namespace, token, socket)
