"""The Secret of an agent's sidecars, without what is in it: the executor alone looks that up."""

from pai.ir.agent import Agent
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import SECRET, Manifest, manifest
from pai.render.kubernetes.names import sidecar_secret_name

SOURCE = "pai.io/source"
VERSION = "pai.io/version"
BOOTSTRAP_SOURCE = "sidecar-bootstrap"
BOOTSTRAP_FILE = "bootstrap.json"


def sidecar_secret(agent: Agent, facts: Facts) -> Manifest:
    """Return the Secret; its version stands for its content, also in its digest."""
    marks = {SOURCE: BOOTSTRAP_SOURCE, VERSION: facts.bootstrap_version}
    name = sidecar_secret_name(agent.key)
    return manifest(SECRET, name, agent, facts, {"type": "Opaque"}, marks)
