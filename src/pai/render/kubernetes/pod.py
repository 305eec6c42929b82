"""The pod of one replica."""

from pai.ir.agent import Agent
from pai.render.digest import digest
from pai.render.kubernetes import steps
from pai.render.kubernetes.config_map import prepare_text
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import Manifest, pod_labels
from pai.render.kubernetes.mounts import pod_volumes
from pai.render.kubernetes.security import pod_security

CONTENT = "pai.io/content"
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def pod_template(agent: Agent, facts: Facts) -> Manifest:
    """Return the template. It changes, and pods are replaced, when something changed for a pod."""
    # Read once at the start of a pod, and not part of the template itself.
    content = digest(prepare_text(agent, facts), facts.bootstrap_version, agent.restarted_at)
    marks = {CONTENT: content, DEFAULT_CONTAINER: steps.AGENT_CONTAINER}
    metadata = {"labels": pod_labels(agent, facts), "annotations": marks}
    return {"metadata": metadata, "spec": _spec(agent, facts)}


def _spec(agent: Agent, facts: Facts) -> Manifest:
    seed = [steps.seed(agent, facts)] if agent.config_files else []
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "shareProcessNamespace": False,
        "securityContext": pod_security(agent, facts),
        "terminationGracePeriodSeconds": steps.grace_seconds(agent),
        # The sidecar's responder, whether or not packet rules lead there. No search domain: names
        # are asked for as they are written.
        "dnsPolicy": "None",
        "dnsConfig": {
            "nameservers": ["127.0.0.1"],
            "options": [{"name": "ndots", "value": "1"}],
        },
        "initContainers": [steps.prepare(agent, facts), *seed, steps.sidecar(agent, facts)],
        "containers": [steps.agent_container(agent, facts)],
        "volumes": pod_volumes(agent),
        **_placement(agent),
    }


def _placement(agent: Agent) -> Manifest:
    """Return what the author says of nodes, runtimes and registries, as it was written."""
    pod = agent.pod
    given: Manifest = {
        "priorityClassName": pod.priority_class_name,
        "runtimeClassName": pod.runtime_class_name,
        "nodeSelector": dict(pod.node_selector),
        "tolerations": list(pod.tolerations),
        "affinity": pod.affinity,
        "imagePullSecrets": [{"name": name} for name in pod.image_pull_secrets],
    }
    return {field: value for field, value in given.items() if value}
