"""What the prepare step of a replica is told (docs/internals.md)."""

from pai.ir.agent import Agent
from pai.ir.prepare import PreparePlan, VolumeOwner
from pai.render.facts import PlatformFacts
from pai.render.places import prepare_paths
from pai.render.seed import seed_files, seed_plan
from pai.render.shape import SIDECAR_PORT, SIDECAR_UID


def prepare_plan(
    agent: Agent,
    platform: PlatformFacts,
    *,
    privileged: bool = True,
    inbound_ports: tuple[int, ...] = (SIDECAR_PORT,),
) -> PreparePlan:
    """Return the plan. privileged: the step may set packet rules and own volumes."""
    volumes = prepare_paths(agent) if privileged else ()
    return PreparePlan(
        sidecar_uid=SIDECAR_UID,
        ca_pem=platform.ca_pem,
        extra_ca_pem=platform.extra_ca_pem,
        volumes=tuple(VolumeOwner(path, agent.run_as_user) for path in volumes),
        seed_plan=seed_plan(agent),
        seed_files=seed_files(agent),
        rules=privileged,
        inbound_ports=inbound_ports,
    )
