"""`pai install kubernetes`, `pai uninstall kubernetes`."""

from typing import TYPE_CHECKING, Any

import typer

from pai.cli import terminal
from pai.cli.failures import UsageError
from pai.cli.install import flags
from pai.cli.output import results
from pai.cli.output.serialise import Output, as_json, as_yaml
from pai.cli.session import OutputOption, load_contexts, save_contexts

if TYPE_CHECKING:  # slow to load, and few commands need them
    from collections.abc import Sequence

    from pai.cli.cluster.connection import Connection
    from pai.cli.install.apply import Done
    from pai.cli.install.sequence import Wishes
    from pai.kube import Kube
    from pai.render.platform import Options

_SYSTEM_NAMESPACE = "pai-system"
_DEFINITIONS = "agentworkloads.pai.io modelbindings.pai.io providers.pai.io"


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    for word, verb in (("install", install), ("uninstall", uninstall)):
        group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
        group.callback()(_on_a_cluster)
        group.command("kubernetes")(verb)
        app.add_typer(group, name=word)


def _on_a_cluster() -> None:
    """Put the platform on a cluster, or take it away."""


def install(  # noqa: PLR0913 - one argument an option
    context: flags.KubeContext = None,
    kubeconfig: flags.Kubeconfig = None,
    namespace_of_platform: flags.SystemNamespace = _SYSTEM_NAMESPACE,
    domain: flags.Domain = None,
    database_url: flags.DatabaseUrl = None,
    database_url_file: flags.DatabaseUrlFile = None,
    sqlite: flags.Sqlite = False,
    storage_class: flags.StorageClass = None,
    chown_volume: flags.ChownVolume = None,
    image: flags.Image = None,
    control_image: flags.ControlImage = None,
    pull_policy: flags.Pull = None,
    image_pull_secret: flags.PullSecrets = None,
    restricted: flags.Restricted = None,
    control_replicas: flags.ControlReplicas = None,
    gateway_replicas: flags.GatewayReplicas = None,
    edge_replicas: flags.EdgeReplicas = None,
    edge_service: flags.EdgeServiceType = None,
    tls_secret: flags.TlsSecret = None,
    ingress_class: flags.IngressClass = None,
    url_scheme: flags.UrlScheme = None,
    url_port: flags.UrlPort = None,
    private_upstream: flags.PrivateUpstreams = None,
    trusted_proxy: flags.TrustedProxies = None,
    cluster_range: flags.ClusterRanges = None,
    extra_ca_file: flags.ExtraCaFile = None,
    static_host: flags.StaticHosts = None,
    agent_storage_class: flags.AgentStorageClass = None,
    otlp_endpoint: flags.OtlpEndpoint = None,
    trace_sample_ratio: flags.TraceSampleRatio = None,
    name: flags.ContextName = None,
    wait: flags.Wait = True,
    timeout: flags.Timeout = 300.0,
    dry_run: flags.DryRun = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Put the platform on a cluster, or bring the one that is there to this version and options.

    Options of the last run hold unless they are given again. Afterwards the cluster's context is
    the one in use. --dry-run writes plain manifests without a secret, as YAML or with -o json.
    """
    from pai.cli.install.authorities import authorities
    from pai.cli.install.database import database_url as asked_url

    if sqlite and (database_url or database_url_file):
        raise UsageError("--sqlite and a database's URL", hint="one of them")
    given: dict[str, Any] = {
        "domain": domain,
        "database": "sqlite" if sqlite else None,
        "storage_class": storage_class,
        "chown_volume": chown_volume,
        "image": image,
        "control_image": control_image,
        "pull_policy": pull_policy,
        "image_pull_secrets": image_pull_secret,
        "restricted": restricted,
        "control_replicas": 1 if sqlite and control_replicas is None else control_replicas,
        "gateway_replicas": gateway_replicas,
        "edge_replicas": edge_replicas,
        "edge_service": edge_service,
        "tls_secret": tls_secret,
        "ingress_class": ingress_class,
        "url_scheme": url_scheme,
        "url_port": url_port,
        "private_upstreams": private_upstream,
        "trusted_proxies": trusted_proxy,
        "cluster_ranges": cluster_range,
        "extra_ca_pem": authorities(extra_ca_file),
        "static_hosts": static_host,
        "agent_storage_class": agent_storage_class,
        "otlp_endpoint": otlp_endpoint,
        "trace_sample_ratio": trace_sample_ratio,
    }
    url = None if sqlite else asked_url(database_url, database_url_file)
    chosen = flags.plain(given)
    if dry_run:
        _show_manifests(namespace_of_platform, chosen, url, output)
        return
    from pai.cli.cluster.connection import open_connection
    from pai.cli.install.sequence import Wishes

    connection = open_connection(kubeconfig, context)
    wishes = Wishes(namespace_of_platform, chosen, url)
    options = _install(connection, wishes, output)
    label = _remember(connection, name, kubeconfig)
    if wait:
        _wait(connection, options, timeout)
    terminal.note(f"using context {label}; agents will be at {_agents_at(options)}")


def uninstall(
    context: flags.KubeContext = None,
    kubeconfig: flags.Kubeconfig = None,
    namespace_of_platform: flags.SystemNamespace = _SYSTEM_NAMESPACE,
    delete_agents: flags.DeleteAgents = False,
    delete_data: flags.DeleteData = False,
    timeout: flags.Timeout = 300.0,
) -> None:
    """Take the platform away from a cluster. Resources, volumes and control's data stay.

    It refuses while agents exist. What stays is used again by the next `pai install kubernetes`.
    """
    from pai.cli.cluster.connection import open_connection
    from pai.cli.cluster.kube import with_kube
    from pai.cli.install.removal import uninstall as remove

    async def act(kube: "Kube") -> None:
        await remove(
            kube,
            namespace_of_platform,
            delete_agents=delete_agents,
            delete_data=delete_data,
            seconds=timeout,
            tell=_show_line,
            say=terminal.note,
        )

    with_kube(open_connection(kubeconfig, context), act)
    terminal.note(
        f"resources and their definitions stay; kubectl delete crd {_DEFINITIONS} ends them"
    )


def _install(connection: "Connection", wishes: "Wishes", output: Output) -> "Options":
    """Apply everything, showing each line as it comes, or all at the end as data."""
    from pai.cli.cluster.kube import with_kube
    from pai.cli.install.manifests import definitions
    from pai.cli.install.sequence import install

    done: list[Done] = []

    def tell(one: "Done") -> None:
        done.append(one)
        if output is Output.TABLE:
            _show_line(one)

    async def act(kube: "Kube") -> "Options":
        return await install(kube, wishes, definitions(), tell)

    options = with_kube(connection, act)
    if output is not Output.TABLE:
        terminal.show(_as_data(done, output))
    return options


def _wait(connection: "Connection", options: "Options", seconds: float) -> None:
    """Return when the platform answers, and say where its edge is."""
    from pai.cli.cluster.kube import with_kube
    from pai.cli.install.sequence import edge_address
    from pai.cli.install.waiting import wait_for_platform

    async def act(kube: "Kube") -> str | None:
        await wait_for_platform(kube, options.namespace, seconds, terminal.note)
        return await edge_address(kube, options)

    address = with_kube(connection, act)
    if address:
        terminal.note(f"the edge is at {address}: let *.{options.domain} lead there")


def _show_line(one: "Done") -> None:
    terminal.show(results.results([one._asdict()], terminal.paint()))


def _as_data(done: "Sequence[Done]", output: Output) -> str:
    if output is Output.NAME:
        return "".join(f"{one.kind.lower()}/{one.name}\n" for one in done)
    found = [one._asdict() for one in done]
    return as_json(found) if output is Output.JSON else as_yaml(found)


def _show_manifests(
    namespace: str, chosen: dict[str, Any], url: str | None, output: Output
) -> None:
    """Write the manifests to standard output; the database's Secret is never among them."""
    from pai.cli.install.manifests import as_text, manifests
    from pai.cli.install.remembered import with_given
    from pai.render.platform import DATABASE_SECRET, Options

    if output is Output.NAME:
        raise UsageError("-o name: manifests are whole", hint="-o yaml or json")
    if url is not None:
        chosen = {**chosen, "database": "url"}
        terminal.warn(
            f"the Secret {DATABASE_SECRET} (key url) is not among the manifests: make it yourself"
        )
    options = with_given(Options(namespace=namespace), chosen)
    terminal.show(as_text(manifests(options), json=output is Output.JSON))


def _remember(connection: "Connection", name: str | None, files: str | None) -> str:
    """Keep a context for the cluster, with the variables of one of that name, and use it."""
    from pai.cli.cluster.platform import context_of

    label = name or connection.target.context
    known = load_contexts()
    save_contexts(known.remembering(label, context_of(connection, files)))
    return label


def _agents_at(options: "Options") -> str:
    port = f":{options.url_port}" if options.url_port else ""
    return f"{options.url_scheme}://ID.{options.domain}{port}"
