"""Security contexts: the Pod Security Standard `restricted` for all but one step.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from pai.ir.agent import Agent
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import Manifest

_UNPRIVILEGED_PORTS = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}


def pod_security(agent: Agent, facts: Facts) -> Manifest:
    """Return the context of the pod.

    fsGroup makes fresh volumes writable for the agent where their driver heeds it; the prepare
    step owns the others. OnRootMismatch: a large volume is not walked at every start. The sysctl,
    one of those that Kubernetes calls safe, lets the sidecar bind 53, 80 and 443 without root.
    """
    context: Manifest = {
        "seccompProfile": {"type": "RuntimeDefault"},
        "fsGroup": agent.run_as_user,
        "fsGroupChangePolicy": "OnRootMismatch",
    }
    if not facts.restricted:
        return context
    return {**context, "runAsNonRoot": True, "sysctls": [_UNPRIVILEGED_PORTS]}


def unprivileged(uid: int, *, read_only: bool = False) -> Manifest:
    """Return the context of a container that may do nothing but run as `uid`."""
    context: Manifest = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
    }
    return {**context, "readOnlyRootFilesystem": True} if read_only else context


def privileged_prepare() -> Manifest:
    """Return the context of the prepare step: root that may set packet rules and give files away.

    No DAC_OVERRIDE: it touches volumes that root owns alone, which need none, be they 0700.
    """
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["CHOWN", "NET_ADMIN"], "drop": ["ALL"]},
        "runAsNonRoot": False,
        "runAsUser": 0,
        "runAsGroup": 0,
        "readOnlyRootFilesystem": True,
    }
