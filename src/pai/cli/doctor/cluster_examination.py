"""The checks of a platform on Kubernetes; one that breaks does not keep the others away."""

from collections.abc import AsyncIterator, Callable, Sequence

from pai.cli.cluster.kube import with_kube
from pai.cli.cluster.platform import connection_of, platform_client
from pai.cli.contexts import Context
from pai.cli.doctor import cluster_checks
from pai.cli.failures import CommandError
from pai.cli.install.manifests import definitions
from pai.cli.output.doctor import Check
from pai.errors import PaiError
from pai.kube import Json, Kube, KubeRefusedError

Looker = Callable[[Kube, Sequence[Json]], AsyncIterator[Check]]

_LOOKERS: tuple[Looker, ...] = (
    cluster_checks.api_server,
    cluster_checks.definitions,
    cluster_checks.aggregation,
    cluster_checks.deployments,
)


def examine_cluster(context: Context) -> list[Check]:
    """Return the result of every check of a context's cluster."""
    try:
        connection = connection_of(context)
        checks = [Check("kubeconfig", "OK", f"context {connection.target.context}")]
    except CommandError as error:
        return [Check("kubeconfig", "FAIL", error.message, error.hint or "")]

    async def look(kube: Kube) -> list[Check]:
        return [check for looker in _LOOKERS for check in await _looked(looker, kube)]

    return [*checks, *with_kube(connection, look), _control(context)]


async def _looked(looker: Looker, kube: Kube) -> list[Check]:
    """Return one looker's checks, those made before it broke among them."""
    name, checks = looker.__name__.replace("_", " "), list[Check]()
    try:
        async for check in looker(kube, definitions()):
            checks.append(check)
    except KubeRefusedError as error:
        checks.append(Check(name, "WARN", f"can't be looked at: {error.message}"))
    except PaiError as error:
        checks.append(Check(name, "FAIL", error.message, error.hint or ""))
    return checks


def _control(context: Context) -> Check:
    """Check that control answers through the API server, as every command needs it."""
    try:
        client = platform_client(context)
        try:
            return Check("answer", "OK", f"control {client.version()['version']} answers")
        finally:
            client.close()
    except PaiError as error:
        return Check("answer", "FAIL", error.message, error.hint or "")
