"""What Kubernetes alone knows of an agent's pods."""

from pai.api import agent_pod as api
from pai.ir import agent as ir


def pod(written: api.Pod | None) -> ir.Pod:
    """Return the settings of the pods, all defaults when none are written."""
    if written is None:
        return ir.Pod()
    probes = written.probes or api.Probes()
    return ir.Pod(
        priority_class_name=written.priority_class_name,
        runtime_class_name=written.runtime_class_name,
        node_selector=tuple(sorted(written.node_selector.items())),
        tolerations=tuple(toleration.to_wire() for toleration in written.tolerations),
        affinity=written.affinity.to_wire() if written.affinity else None,
        image_pull_secrets=tuple(sorted(written.image_pull_secrets)),
        liveness=_probe(probes.liveness),
        readiness=_probe(probes.readiness),
        startup=_probe(probes.startup),
        storage_class_name=written.storage_class_name,
        termination_grace_seconds=written.termination_grace_period_seconds,
    )


def _probe(written: api.Probe | None) -> ir.Probe | None:
    if written is None:
        return None
    return ir.Probe(
        path=written.path or "",
        command=written.command,
        initial_delay_seconds=written.initial_delay_seconds,
        period_seconds=written.period_seconds,
        timeout_seconds=written.timeout_seconds,
        failure_threshold=written.failure_threshold,
    )
