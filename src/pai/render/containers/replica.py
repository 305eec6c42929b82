"""One replica: its volumes and its steps, with digests that tell what depends on what."""

from pai.ir.agent import Agent
from pai.render.containers import steps
from pai.render.containers.facts import Facts
from pai.render.containers.manifest import Container, FileSpec, Manifest, Step
from pai.render.containers.volumes import replica_volumes
from pai.render.digest import digest
from pai.render.labels import DIGEST, REPLICA, STEP, UID, agent_labels
from pai.render.names import container_name

# A step is made anew when one that it builds on was. The sidecar stands apart from the agent: each
# may be replaced without the other.
_BUILDS_ON: dict[Step, tuple[Step, ...]] = {
    "pause": (),
    "prepare": ("pause",),
    "sidecar": ("pause",),
    "seed": ("prepare",),
    "agent": ("prepare", "seed"),
}
_GRACE_SECONDS: dict[Step, int] = {"agent": 10, "sidecar": 3}


def render(agent: Agent, facts: Facts) -> tuple[Manifest, ...]:
    """Return everything that should exist for an agent: each replica's volumes, then its steps."""
    return tuple(
        manifest
        for replica in range(agent.desired_replicas)
        for manifest in render_replica(agent, facts, replica)
    )


def render_replica(agent: Agent, facts: Facts, replica: int) -> tuple[Manifest, ...]:
    """Return one replica's volumes and containers, steps in the order they start in."""
    volumes = replica_volumes(agent, facts, replica)
    bodies: dict[Step, tuple[steps.Body, tuple[FileSpec, ...]]] = {
        "pause": (steps.pause_body(agent, facts, replica), ()),
        "prepare": (
            steps.prepare_body(agent, facts, volumes),
            steps.prepare_files(agent, facts),
        ),
        "sidecar": (steps.sidecar_body(agent, facts, volumes), steps.sidecar_files(facts)),
        "agent": (steps.agent_body(agent, facts, replica, volumes), ()),
    }
    if agent.config_files:
        bodies["seed"] = (steps.seed_body(agent, volumes), ())
    rendered: dict[Step, Container] = {}
    for step in (step for step in _BUILDS_ON if step in bodies):
        below = [rendered[name].digest for name in _BUILDS_ON[step] if name in rendered]
        rendered[step] = _container(agent, facts, replica, step, bodies[step], below)
    return (*volumes, *rendered.values())


def _container(
    agent: Agent,
    facts: Facts,
    replica: int,
    step: Step,
    content: tuple[steps.Body, tuple[FileSpec, ...]],
    below: list[str],
) -> Container:
    body, files = content
    name = container_name(facts.instance, agent.key, replica, step)
    labels = {
        **agent_labels(facts.instance, agent.key),
        UID: agent.uid,
        REPLICA: str(replica),
        STEP: step,
    }
    restarted = agent.restarted_at if step == "agent" else None
    mark = digest(name, body, files, labels, below, restarted)
    joins = None
    if "NetworkMode" not in body["HostConfig"]:
        joins = container_name(facts.instance, agent.key, replica, "pause")
    return Container(
        name=name,
        step=step,
        replica=replica,
        image=body["Image"],
        digest=mark,
        body={**body, "Labels": {**labels, DIGEST: mark}},
        files=files,
        joins=joins,
        grace_seconds=_GRACE_SECONDS.get(step, 0),
    )
