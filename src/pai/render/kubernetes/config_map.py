"""The ConfigMap: what the prepare step of every pod reads."""

import msgspec

from pai.errors import SpecError
from pai.ir.agent import Agent
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import CONFIG_MAP, Manifest, manifest
from pai.render.kubernetes.names import object_name
from pai.render.plan import prepare_plan
from pai.render.shape import PROBE_PORT, PUBLIC_PORT, SIDECAR_PORT

PREPARE_FILE = "prepare.json"
# The API server takes 1 MiB, field names and all.
LARGEST_BYTES = 1_000_000


def config_map(agent: Agent, facts: Facts) -> Manifest:
    """Return the ConfigMap. Raises SpecError when the config files do not fit into it."""
    text = prepare_text(agent, facts)
    taken = len(text.encode())
    if taken > LARGEST_BYTES:
        raise SpecError(
            f"spec.configFiles: they take {taken} bytes in a ConfigMap, line ends and quotes "
            f"counting twice; {LARGEST_BYTES} fit",
            hint="put large files into the image or a volume",
        )
    data = {"data": {PREPARE_FILE: text}}
    return manifest(CONFIG_MAP, object_name(agent.key), agent, facts, data)


def prepare_text(agent: Agent, facts: Facts) -> str:
    """Return the plan as the prepare step reads it."""
    plan = prepare_plan(
        agent,
        facts,
        privileged=not facts.restricted,
        inbound_ports=(SIDECAR_PORT, PUBLIC_PORT, PROBE_PORT),
    )
    return msgspec.json.encode(plan).decode()
