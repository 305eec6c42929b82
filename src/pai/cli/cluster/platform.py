"""The public API of a platform on Kubernetes: the same calls, behind the cluster's API server."""

import httpx

from pai.cli.client import Place, PlatformClient
from pai.cli.cluster.answers import explained
from pai.cli.cluster.connection import Connection, kept_files, open_connection
from pai.cli.contexts import Context
from pai.cli.door import Door

# `log` and not `logs`: the API server lets only what it knows as a stream last for long.
CLUSTER = Place(
    base="/apis/platform.pai.io/v1",
    logs="log",
    away_hint="kubectl cluster-info; is the cluster up, and this machine allowed to reach it?",
    explain=explained,
)


def connection_of(context: Context) -> Connection:
    """Return the connection to the API server of a context's cluster."""
    return open_connection(context.kubeconfig, context.kube_context)


def context_of(connection: Connection, files: str | None, namespace: str = "") -> Context:
    """Return what remembers a cluster: where its credentials are, and none of them."""
    target = connection.target
    return Context(
        server=target.server,
        namespace=namespace,
        kubeconfig=kept_files(files),
        kube_context=target.context,
    )


def platform_client(
    context: Context, namespace: str | None = None, transport: httpx.BaseTransport | None = None
) -> PlatformClient:
    """Return a client; the namespace is the given one, the context's, or the kubeconfig's."""
    connection = connection_of(context)
    chosen = namespace or context.namespace or connection.target.namespace
    return PlatformClient(connection.http(transport), chosen, CLUSTER)


def door(context: Context, namespace: str | None) -> Door:
    """Return the way of a WebSocket to the API server.

    A credential that has ended is not seen on a WebSocket, so it is tried on a small call before.
    """
    connection = connection_of(context)
    chosen = namespace or context.namespace or connection.target.namespace
    with connection.http() as http:
        PlatformClient(http, chosen, CLUSTER).version()
    return Door(
        connection.target.server,
        CLUSTER,
        chosen,
        connection.credentials.authorization(),
        tls=connection.tls,
        tls_name=connection.target.tls_name,
    )
