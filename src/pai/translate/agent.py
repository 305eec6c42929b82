"""AgentWorkload: from the resource to the resolved form, all faults and gaps at once."""

from collections.abc import Sequence
from typing import NamedTuple

from pai.api import agentworkload as api
from pai.api.metadata import RESTARTED_AT_ANNOTATION
from pai.api.modelbinding import ModelBinding
from pai.api.pending import pending_uses
from pai.api.provider import Provider
from pai.api.quantity import cpu_milli, size_bytes
from pai.errors import RefNotFoundError, SpecError
from pai.ir import agent as ir
from pai.ir import provider as ir_provider
from pai.ir.settings import Settings
from pai.translate.bindings import translate_binding
from pai.translate.conflicts import egress_warnings, host_faults
from pai.translate.environment import environment
from pai.translate.injected import override_warnings
from pai.translate.pod import pod
from pai.translate.providers import translate_provider
from pai.translate.references import References, follow
from pai.translate.storage import config_files, volumes
from pai.translate.warnings import resource_warnings


class Translation(NamedTuple):
    """The outcome. agent: None when there is a fault or something is missing.

    faults: the spec can't work (phase Failed). missing: it waits for a resource (phase Pending).
    warnings: legal, and worth telling. ignored: paths of fields without effect in this version.
    """

    agent: ir.Agent | None
    faults: tuple[SpecError, ...] = ()
    missing: tuple[RefNotFoundError, ...] = ()
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def translate(
    workload: api.AgentWorkload, references: References, settings: Settings, host_id: str
) -> Translation:
    """Return the agent that should run, or everything that stands in its way."""
    spec = workload.spec
    keys = references.secret_keys
    models, no_models = follow(
        spec.model_bindings,
        references.bindings,
        "spec.modelBindings",
        "ModelBinding",
        lambda resource: translate_binding(resource, keys),
    )
    providers, no_providers = follow(
        spec.providers,
        references.providers,
        "spec.providers",
        "Provider",
        lambda resource: translate_provider(resource, keys),
    )
    env = environment(workload)
    faults = (*env.faults, *host_faults(providers, "spec.providers"), *_unconfined(spec))
    missing = (*no_models, *no_providers)
    warnings = (
        *_reference_warnings(spec, references),
        *egress_warnings(spec.egress, providers),
        *override_warnings((name for name, _ in env.variables), providers),
    )
    agent = None
    if not faults and not missing:
        agent = _agent(workload, settings, host_id, models, providers, env.variables)
    return Translation(agent, faults, missing, warnings, _ignored(workload, references))


def _agent(
    workload: api.AgentWorkload,
    settings: Settings,
    host_id: str,
    models: Sequence[ir.ModelBinding],
    providers: Sequence[ir_provider.Provider],
    env: tuple[tuple[str, str], ...],
) -> ir.Agent:
    """Return the agent itself. Shape: everything without an order of its own is sorted."""
    spec, metadata = workload.spec, workload.metadata
    declared = volumes(spec.volumes)
    return ir.Agent(
        key=ir.AgentKey(workload.namespace, workload.name),
        uid=metadata.uid or "",
        host_id=host_id,
        generation=metadata.generation or 0,
        image=spec.image,
        command=spec.command,
        run_as_user=spec.run_as_user,
        replicas=spec.replicas,
        paused=spec.paused,
        models=tuple(models),
        providers=tuple(sorted(providers, key=lambda provider: provider.name)),
        inbound=_inbound(spec),
        volumes=declared,
        config_files=config_files(spec.config_files, declared),
        env=env,
        resources=_resources(spec.resources),
        tokens=_limits(spec.tokens, settings),
        expose=_expose(spec),
        egress=_egress(spec),
        filesystem=_filesystem(spec),
        autoscaling=_autoscaling(spec),
        pod=pod(spec.pod),
        ops_instructions=spec.ops.instructions if spec.ops else None,
        restarted_at=metadata.annotations.get(RESTARTED_AT_ANNOTATION),
    )


def _sorted(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words)))


def _inbound(spec: api.AgentWorkloadSpec) -> ir.Inbound | None:
    if spec.inbound is None:
        return None
    return ir.Inbound(spec.inbound.port, _sorted(spec.inbound.allow_cidrs))


def _limits(tokens: api.TokenLimits, settings: Settings) -> ir.Limits:
    return ir.Limits(
        tokens.max_per_day or settings.default_max_tokens_per_day,
        tokens.max_per_request or settings.default_max_tokens_per_request,
        tokens.max_concurrent_requests,
    )


def _resources(resources: api.Resources) -> ir.Resources:
    amounts = [
        None if amount is None else parse(amount)
        for part in (resources.requests, resources.limits)
        for amount, parse in ((part.cpu, cpu_milli), (part.memory, size_bytes))
    ]
    return ir.Resources(*amounts)


def _expose(spec: api.AgentWorkloadSpec) -> tuple[ir.Expose, ...]:
    return tuple(
        sorted(
            ir.Expose(item.url_path, item.directory, _sorted(item.allow_cidrs))
            for item in spec.expose
        )
    )


def _egress(spec: api.AgentWorkloadSpec) -> ir.Egress:
    """Return the rules with all ports of a host in one place."""
    ports: dict[str, set[int]] = {}
    for rule in spec.egress.allow:
        ports.setdefault(rule.host, set()).update(rule.ports)
    allow = tuple(
        ir.EgressRule(host, tuple(sorted(found))) for host, found in sorted(ports.items())
    )
    return ir.Egress(allow, spec.egress.mode)


def _filesystem(spec: api.AgentWorkloadSpec) -> ir.Filesystem | None:
    if spec.filesystem is None:
        return None
    return ir.Filesystem(
        _sorted(spec.filesystem.read_only_paths),
        _sorted(spec.filesystem.writable_paths),
        spec.filesystem.enforcement,
    )


def _autoscaling(spec: api.AgentWorkloadSpec) -> ir.Autoscaling | None:
    scaling = spec.autoscaling
    if scaling is None:
        return None
    return ir.Autoscaling(
        min_replicas=scaling.min_replicas,
        max_replicas=scaling.max_replicas,
        scale_up_cooldown_seconds=scaling.scale_up_cooldown_seconds,
        scale_down_cooldown_seconds=scaling.scale_down_cooldown_seconds,
        scale_down_stabilization_window_seconds=scaling.scale_down_stabilization_window_seconds,
        poll_interval_seconds=scaling.poll_interval_seconds,
        metrics=tuple(
            ir.Metric(metric.type, metric.target_value_per_replica, metric.url, metric.json_path)
            for metric in scaling.metrics
        ),
    )


def _unconfined(spec: api.AgentWorkloadSpec) -> tuple[SpecError, ...]:
    """Refuse what asks to fail where it can't be confined, while confinement is not built."""
    if spec.filesystem is None or spec.filesystem.enforcement != "strict":
        return ()
    message = "spec.filesystem.enforcement: strict, and this version can't confine writing"
    return (SpecError(message, hint="use besteffort to start the agent unconfined"),)


def _named(spec: api.AgentWorkloadSpec, references: References) -> list[ModelBinding | Provider]:
    """Return the resources that the agent names and that exist."""
    bindings = [references.bindings.get(name) for name in spec.model_bindings]
    providers = [references.providers.get(name) for name in spec.providers]
    return [resource for resource in (*bindings, *providers) if resource is not None]


def _reference_warnings(spec: api.AgentWorkloadSpec, references: References) -> list[str]:
    """Return the warnings of the resources that the agent names."""
    return [
        f"{resource.kind} {resource.name!r}: {warning}"
        for resource in _named(spec, references)
        for warning in resource_warnings(resource)
    ]


def _ignored(workload: api.AgentWorkload, references: References) -> tuple[str, ...]:
    own = [use.path for use in pending_uses(workload)]
    others = [
        f"{resource.kind} {resource.name!r}: {use.path}"
        for resource in _named(workload.spec, references)
        for use in pending_uses(resource)
    ]
    return (*own, *others)
