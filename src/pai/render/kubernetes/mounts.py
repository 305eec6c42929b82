"""Volumes of a pod, and where each step mounts them."""

from pai.ir.agent import Agent
from pai.render.kubernetes.config_map import PREPARE_FILE
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import Manifest
from pai.render.kubernetes.names import claim_template, object_name, sidecar_secret_name
from pai.render.kubernetes.quantity import size
from pai.render.kubernetes.secret import BOOTSTRAP_FILE
from pai.render.places import exposed, places, prepare_paths, seed_root
from pai.render.shape import (
    EXPOSE_DIRECTORY,
    FILES_DIRECTORY,
    RUN_DIRECTORY,
    SIDECAR_TEMPORARY_BYTES,
)

# Names of claim templates begin with `pai`, and so are never one of these.
_RUN, _PLAN, _BOOTSTRAP, _TEMPORARY = "run", "plan", "bootstrap", "tmp"
RUN_BYTES = 64 << 20


def pod_volumes(agent: Agent) -> list[Manifest]:
    """Return the pod's volumes but for those of claims, which a StatefulSet adds itself.

    The bootstrap file is meant for the sidecar's UID and for nobody else. The files of a Secret
    belong to root, so 0400 alone would shut the sidecar out; with fsGroup the kubelet makes it
    0440 with the agent's group, which every container of the pod is in besides its own. What keeps
    it from the agent is therefore that the sidecar alone mounts it, that processes of other
    containers are out of sight (no shared process namespace), and that no container has a
    capability to look further. 0400 is what stays should a kubelet not apply the group: a
    sidecar that can't start instead of a file that all can read.
    """
    return [
        {"name": _RUN, "emptyDir": {"sizeLimit": size(RUN_BYTES)}},
        {
            "name": _PLAN,
            "configMap": {
                "name": object_name(agent.key),
                "defaultMode": 0o444,
                "items": [{"key": PREPARE_FILE, "path": PREPARE_FILE}],
            },
        },
        {
            "name": _BOOTSTRAP,
            "secret": {
                "secretName": sidecar_secret_name(agent.key),
                "defaultMode": 0o400,
                "items": [{"key": BOOTSTRAP_FILE, "path": BOOTSTRAP_FILE}],
            },
        },
        {
            "name": _TEMPORARY,
            "emptyDir": {"medium": "Memory", "sizeLimit": size(SIDECAR_TEMPORARY_BYTES)},
        },
    ]


def prepare_mounts(agent: Agent, facts: Facts) -> list[Manifest]:
    """Mount what prepare writes, away from the agent's own paths; restricted, it owns nothing."""
    own = zip(places(agent), prepare_paths(agent), strict=True)
    volumes = [_mount(claim_template(place.volume), path) for place, path in own]
    plan = _mount(_PLAN, FILES_DIRECTORY, read_only=True)
    return [_mount(_RUN, RUN_DIRECTORY), plan, *([] if facts.restricted else volumes)]


def seed_mounts(agent: Agent) -> list[Manifest]:
    """Mount declared volumes where the agent has them, implicit ones beside the image's files."""
    own = [
        _mount(claim_template(place.volume), seed_root(agent, place.path))
        for place in places(agent)
    ]
    return [_mount(_RUN, RUN_DIRECTORY, read_only=True), *own]


def sidecar_mounts(agent: Agent) -> list[Manifest]:
    """Mount the bootstrap file, and read-only the volumes that hold an exposed directory."""
    shown = [
        _mount(claim_template(place.volume), f"{EXPOSE_DIRECTORY}{place.path}", read_only=True)
        for place in places(agent)
        if exposed(agent, place)
    ]
    bootstrap = _mount(_BOOTSTRAP, FILES_DIRECTORY, read_only=True)
    return [bootstrap, _mount(_TEMPORARY, "/tmp"), *shown]


def agent_mounts(agent: Agent) -> list[Manifest]:
    """Mount everything where the agent expects it; the run directory can't be written."""
    own = [_mount(claim_template(place.volume), place.path) for place in places(agent)]
    return [_mount(_RUN, RUN_DIRECTORY, read_only=True), *own]


def _mount(volume: str, path: str, *, read_only: bool = False) -> Manifest:
    mount: Manifest = {"name": volume, "mountPath": path}
    return {**mount, "readOnly": True} if read_only else mount
