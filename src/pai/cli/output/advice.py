"""What to do about a reason: one sentence each."""

from collections.abc import Sequence

from pai.cli.output.phase import remarkable
from pai.cli.output.resource import Resource, name_of

# {name} is the agent's. Reasons that need nobody (Starting, PausedByUser, ...) are left out.
ADVICE = {
    "RefNotFound": "Create what the message names (pai add model, service or secret), or correct "
    "the name in the spec.",
    "InvalidSpec": "Correct the field that the message names and run pai apply again.",
    "ImagePullFailed": "Check the name of spec.image and that this machine reaches its registry; "
    "a local image must be known to the engine under exactly that name.",
    "StartRefused": "The message is the engine's own: check spec.command, the image and "
    "spec.resources. pai doctor looks at the engine.",
    "Unschedulable": "The message is the scheduler's own: give the cluster room, lower "
    "spec.resources, or check spec.pod (nodeSelector, tolerations, affinity).",
    "NameTaken": "Rename the agent, or delete the object that the message names.",
    "NoPacketRules": "Make sure that the cluster's network enforces NetworkPolicy, or run the "
    "agent in a namespace that is not restricted.",
    "Exited": "Read pai logs {name}; the exit code and the last lines are above. It is started "
    "again by itself, with growing pauses.",
    "OOMKilled": "Raise spec.resources.limits.memory, or let the agent use less.",
    "PortClosed": "The agent must listen on spec.inbound.port, on 127.0.0.1 or on all addresses; "
    "read pai logs {name}.",
    "SidecarNotReady": "Read pai logs {name} --container sidecar; pai doctor looks at control.",
    "EngineUnavailable": "Start the container engine; pai doctor looks at it. It goes on by itself "
    "then.",
    "PlatformFault": "The message says what is missing; pai doctor and pai's own logs say more.",
    "NetworkLost": "Nothing: the replica is being rebuilt. If it happens often, run pai doctor.",
    "PullingImage": "Wait: a big image takes its time. pai list --watch shows when it is done.",
    "PausedByUser": "pai resume {name} starts it.",
    "ScaledToZero": "Set spec.replicas to 1 or more and run pai apply.",
    "BudgetSpent": "Raise spec.tokens.maxPerDay or the model's maxTokensPerDay, or wait for "
    "midnight UTC.",
    "OutsideVolumes": "Give the directory a volume (spec.volumes), or expose one that lies on a "
    "volume.",
}


def advice(agent: Resource) -> Sequence[str]:
    """Return what to do about each reason that is not fine, each sentence once."""
    name = name_of(agent)
    found = (ADVICE.get(condition.reason, "") for condition in remarkable(agent))
    return list(dict.fromkeys(text.format(name=name) for text in found if text))
