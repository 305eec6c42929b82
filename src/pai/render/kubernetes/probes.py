"""Probes: the sidecar's own, and those of the agent's author."""

from pai.ir.agent import Agent, Probe
from pai.render.kubernetes.manifest import Manifest
from pai.render.kubernetes.text import literals
from pai.render.shape import PROBE_PORT

# A sidecar waits for its first snapshot as long as control is away; a restart would not help it.
_START_ATTEMPTS = 600


def sidecar_probes() -> Manifest:
    """Return the sidecar's probes. What starts after it waits for the first."""
    return {
        "startupProbe": {**_get("/livez"), "periodSeconds": 1, "failureThreshold": _START_ATTEMPTS},
        "readinessProbe": {**_get("/readyz"), "periodSeconds": 3, "failureThreshold": 2},
        "livenessProbe": {**_get("/livez"), "periodSeconds": 10, "failureThreshold": 3},
    }


def agent_probes(agent: Agent) -> Manifest:
    """Return the author's probes by field name."""
    pod = agent.pod
    named = (
        ("startupProbe", pod.startup),
        ("readinessProbe", pod.readiness),
        ("livenessProbe", pod.liveness),
    )
    return {field: _authored(probe) for field, probe in named if probe is not None}


def _authored(probe: Probe) -> Manifest:
    """Ask the agent's port through the sidecar: packet rules keep the node away from it."""
    asked = _http(f"/probe/{probe.path.removeprefix('/')}")
    if probe.command:
        asked = {"exec": {"command": literals(probe.command)}}
    timing: Manifest = {
        "periodSeconds": probe.period_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "failureThreshold": probe.failure_threshold,
    }
    if probe.initial_delay_seconds:
        timing["initialDelaySeconds"] = probe.initial_delay_seconds
    return {**asked, **timing}


def _get(path: str) -> Manifest:
    return {**_http(path), "timeoutSeconds": 3}


def _http(path: str) -> Manifest:
    return {"httpGet": {"path": path, "port": PROBE_PORT, "scheme": "HTTP"}}
