"""The containers of a pod: prepare, seed, sidecar, agent."""

from pai.ir.agent import Agent, Resources
from pai.render.environment import environment
from pai.render.kubernetes import mounts
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import Manifest
from pai.render.kubernetes.probes import agent_probes, sidecar_probes
from pai.render.kubernetes.quantity import cpu, size
from pai.render.kubernetes.security import privileged_prepare, unprivileged
from pai.render.kubernetes.text import literal, literals
from pai.render.places import places
from pai.render.seed import PLAN_PATH
from pai.render.shape import (
    PREPARE_COMMAND,
    RUN_LAUNCHER,
    SIDECAR_COMMAND,
    SIDECAR_LEAVE_COMMAND,
    SIDECAR_MEMORY_BYTES,
    SIDECAR_UID,
    SMALL_MEMORY_BYTES,
)

PREPARE_CONTAINER = "prepare"
SEED_CONTAINER = "seed"
SIDECAR_CONTAINER = "sidecar"
AGENT_CONTAINER = "agent"

ENDPOINTS_SECONDS = 5
_REPLICA = "PAI_REPLICA"
_ORDINAL = "metadata.labels['apps.kubernetes.io/pod-index']"
_POD_NAME = "metadata.name"
_SMALL = Resources(
    request_cpu_milli=10, request_memory_bytes=32 << 20, limit_memory_bytes=SMALL_MEMORY_BYTES
)
_SIDECAR = Resources(
    request_cpu_milli=20, request_memory_bytes=64 << 20, limit_memory_bytes=SIDECAR_MEMORY_BYTES
)


def prepare(agent: Agent, facts: Facts) -> Manifest:
    """Set the packet rules and fill the run directory; restricted, only the latter and not as root.

    It has the sidecar's UID then, as one that the author can't choose.
    """
    security = unprivileged(SIDECAR_UID, read_only=True)
    return {
        **_container(PREPARE_CONTAINER, facts.image, facts),
        "command": list(PREPARE_COMMAND),
        "resources": _resources(_SMALL),
        "securityContext": security if facts.restricted else privileged_prepare(),
        "volumeMounts": mounts.prepare_mounts(agent, facts),
    }


def seed(agent: Agent, facts: Facts) -> Manifest:
    """Copy config files in the agent's image and as the agent's user."""
    return {
        **_container(SEED_CONTAINER, agent.image, facts),
        "command": [RUN_LAUNCHER, "seed", PLAN_PATH],
        "workingDir": "/",
        "resources": _resources(_SMALL),
        "securityContext": unprivileged(agent.run_as_user, read_only=True),
        "volumeMounts": mounts.seed_mounts(agent),
    }


def sidecar(agent: Agent, facts: Facts) -> Manifest:
    """Answer the agent's traffic from before its start until after its end."""
    made: Manifest = {
        **_container(SIDECAR_CONTAINER, facts.image, facts),
        "restartPolicy": "Always",
        "command": [*SIDECAR_COMMAND, "--cluster", *(["--restricted"] if facts.restricted else [])],
        "resources": _resources(_SIDECAR),
        "securityContext": unprivileged(SIDECAR_UID, read_only=True),
        "volumeMounts": mounts.sidecar_mounts(agent),
        **sidecar_probes(),
    }
    if agent.inbound is not None:
        # It ends last of all. Who keeps a connection open has to learn at once that it ends.
        made["lifecycle"] = {"preStop": {"exec": {"command": list(SIDECAR_LEAVE_COMMAND)}}}
    return {**made, "env": [_from_field(_REPLICA, _ORDINAL)]} if places(agent) else made


def agent_container(agent: Agent, facts: Facts) -> Manifest:
    """Run the untrusted image: no capability, no new privileges, limits of its own."""
    made: Manifest = {
        **_container(AGENT_CONTAINER, agent.image, facts),
        "env": _env(agent, facts),
        "resources": _resources(agent.resources),
        "securityContext": unprivileged(agent.run_as_user),
        "volumeMounts": mounts.agent_mounts(agent),
        **agent_probes(agent),
    }
    if agent.command:
        made["command"] = literals(agent.command)
    if agent.inbound is not None:
        # Requests still come until every balancer has forgotten the pod.
        made["lifecycle"] = {"preStop": {"sleep": {"seconds": ENDPOINTS_SECONDS}}}
    return made


def grace_seconds(agent: Agent) -> int:
    """Return the time from the order to end until the end, preStop included."""
    before = ENDPOINTS_SECONDS if agent.inbound is not None else 0
    return agent.pod.termination_grace_seconds + before


def _container(name: str, image: str, facts: Facts) -> Manifest:
    """Return what all have; the last line that a failed one wrote becomes its message."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": facts.pull_policy,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _env(agent: Agent, facts: Facts) -> list[Manifest]:
    """Return the agent's variables, sorted by name. A Deployment's replicas have no number."""
    values = environment(agent, facts)
    env = [{"name": name, "value": literal(values[name])} for name in values if name != _REPLICA]
    own = _from_field(_REPLICA, _ORDINAL if places(agent) else _POD_NAME)
    return sorted([*env, own], key=lambda entry: str(entry["name"]))


def _from_field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _resources(resources: Resources) -> Manifest:
    requests = _amounts(resources.request_cpu_milli, resources.request_memory_bytes)
    limits = _amounts(resources.limit_cpu_milli, resources.limit_memory_bytes)
    return {
        **({"requests": requests} if requests else {}),
        **({"limits": limits} if limits else {}),
    }


def _amounts(milli: int | None, memory: int | None) -> Manifest:
    return {
        **({} if milli is None else {"cpu": cpu(milli)}),
        **({} if memory is None else {"memory": size(memory)}),
    }
