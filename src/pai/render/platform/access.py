"""What control may do in the cluster: one reason for each right, and no right without one.

The table in docs/kubernetes.md is made from this file.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from typing import NamedTuple

from pai.render.platform.manifest import (
    CONTROL,
    EDGE,
    GATEWAY,
    Manifest,
    cluster_object,
    namespaced,
    object_name,
)
from pai.render.platform.options import Options

RBAC = "rbac.authorization.k8s.io"
API_SERVICE = "v1.platform.pai.io"
AUTHENTICATION_READER = "extension-apiserver-authentication-reader"

_READ = ("get", "list", "watch")
# Server-side apply is a patch, and a create where nothing is there yet.
_OWN = (*_READ, "create", "patch", "delete")


class Rule(NamedTuple):
    """Verbs on resources of one API group, and why they are needed."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    reason: str
    names: tuple[str, ...] = ()

    def manifest(self) -> Manifest:
        """Return the rule as RBAC writes it."""
        rule: Manifest = {
            "apiGroups": [self.group],
            "resources": list(self.resources),
            "verbs": list(self.verbs),
        }
        return {**rule, "resourceNames": list(self.names)} if self.names else rule


CONTROL_RULES = (
    Rule(
        "pai.io",
        ("agentworkloads", "modelbindings", "providers"),
        _OWN,
        "mirrors the resources, and writes what people apply through its API",
    ),
    Rule(
        "pai.io",
        ("agentworkloads/status",),
        ("patch",),
        "tells how agents are",
    ),
    Rule(
        "pai.io",
        ("agentworkloads/finalizers",),
        ("update",),
        "owner references that block deletion, where the cluster enforces the right to set them",
    ),
    Rule(
        "",
        ("secrets",),
        _OWN,
        "keeps sidecars' bootstrap files and its own keys; reads and writes Secrets labelled "
        "pai.io/secret (RBAC can't select by label, so the right covers them all)",
    ),
    Rule("", ("configmaps",), _OWN, "an agent's plan for its pods"),
    Rule("", ("services",), _OWN, "an agent's way in and its stable names; its own address"),
    Rule("", ("pods",), _READ, "readiness, restarts and addresses of replicas"),
    Rule("", ("pods/log",), ("get",), "`pai logs`"),
    Rule("", ("pods/exec",), ("create", "get"), "`pai exec`, for those who may exec in that agent"),
    Rule(
        "",
        ("persistentvolumeclaims",),
        (*_READ, "patch"),
        "`pai delete --volumes` makes the agent their owner; no right to delete them",
    ),
    Rule(
        "",
        ("events",),
        ("get", "list", "create", "patch"),
        "tells what happened to an agent, and why the cluster refused a pod",
    ),
    Rule("", ("namespaces",), _READ, "labels that want pods without any privilege"),
    Rule("apps", ("deployments", "statefulsets"), _OWN, "runs agents"),
    Rule("networking.k8s.io", ("networkpolicies",), _OWN, "closes agents' pods"),
    Rule(
        "networking.k8s.io",
        ("servicecidrs",),
        ("get", "list"),
        "where Services are: no upstream may lead there but by the name of a Service",
    ),
    Rule("policy", ("poddisruptionbudgets",), _OWN, "keeps replicas up while nodes are drained"),
    Rule(
        "apiregistration.k8s.io",
        ("apiservices",),
        ("get", "patch"),
        "tells the API server the certificate authority of its aggregated API",
        (API_SERVICE,),
    ),
)

OWN_NAMESPACE_RULES = (
    Rule(
        "coordination.k8s.io",
        ("leases",),
        ("get", "create", "patch"),
        "one replica leads at a time",
    ),
)


def service_accounts(options: Options) -> tuple[Manifest, ...]:
    """Return one account a component; gateway and edge get no token, as they never need one."""
    return tuple(
        {
            **namespaced(options, "v1", "ServiceAccount", object_name(component), component),
            "automountServiceAccountToken": component == CONTROL,
        }
        for component in (CONTROL, GATEWAY, EDGE)
    )


def control_access(options: Options) -> tuple[Manifest, ...]:
    """Return control's roles and their bindings."""
    name = object_name(CONTROL)
    return (
        {
            **cluster_object(f"{RBAC}/v1", "ClusterRole", name, CONTROL),
            "rules": [rule.manifest() for rule in CONTROL_RULES],
        },
        _bound(
            options,
            cluster_object(f"{RBAC}/v1", "ClusterRoleBinding", name, CONTROL),
            "ClusterRole",
            name,
        ),
        {
            **namespaced(options, f"{RBAC}/v1", "Role", name, CONTROL),
            "rules": [rule.manifest() for rule in OWN_NAMESPACE_RULES],
        },
        _bound(
            options, namespaced(options, f"{RBAC}/v1", "RoleBinding", name, CONTROL), "Role", name
        ),
        _authentication_reader(options),
    )


def _authentication_reader(options: Options) -> Manifest:
    """Return the right to read whose certificates the API server vouches with.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
    """
    head = cluster_object(f"{RBAC}/v1", "RoleBinding", "pai-control-authentication", CONTROL)
    head["metadata"] = {"namespace": "kube-system", **head["metadata"]}
    return _bound(options, head, "Role", AUTHENTICATION_READER)


def _bound(options: Options, head: Manifest, kind: str, role: str) -> Manifest:
    account = {
        "kind": "ServiceAccount",
        "name": object_name(CONTROL),
        "namespace": options.namespace,
    }
    reference = {"apiGroup": RBAC, "kind": kind, "name": role}
    return {**head, "roleRef": reference, "subjects": [account]}
