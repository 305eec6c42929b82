"""Roles for people: `pai-view` and `pai-edit`, which the cluster's own view and edit take in.

Paths of the aggregated API become verbs as the API server reads them: GET without a name is
`list`, GET of a subresource `get` (so is a WebSocket), POST `create`.
Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from pai.render.platform.access import RBAC, Rule
from pai.render.platform.manifest import Manifest, cluster_object

PLATFORM = "platform.pai.io"

_RESOURCES = ("agentworkloads", "modelbindings", "providers")
_WRITE = ("create", "update", "patch", "delete", "deletecollection")

VIEW_RULES = (
    Rule("pai.io", _RESOURCES, ("get", "list", "watch"), "kubectl get, describe, wait"),
    Rule("pai.io", ("agentworkloads/status", "agentworkloads/scale"), ("get",), "phase and size"),
    Rule(
        PLATFORM,
        (*_RESOURCES, "secrets"),
        ("get", "list", "watch"),
        "`pai get`, `list`; of a Secret the names of its keys alone",
    ),
    Rule(
        PLATFORM,
        ("agentworkloads/report", "agentworkloads/events", "agentworkloads/log"),
        ("get",),
        "`pai status`, `describe`, `logs`",
    ),
    Rule(PLATFORM, ("usage", "audit"), ("list",), "`pai usage`, `pai audit`"),
)

EDIT_RULES = (
    Rule("pai.io", _RESOURCES, _WRITE, "kubectl apply, delete"),
    Rule("pai.io", ("agentworkloads/scale",), ("update", "patch"), "kubectl scale"),
    Rule(
        PLATFORM,
        (*_RESOURCES, "secrets"),
        ("create", "update", "patch", "delete"),
        "`pai create`, `delete`; Secrets with our label alone",
    ),
    Rule(PLATFORM, ("apply",), ("create",), "`pai apply`, `add`: all four kinds at once"),
    Rule(PLATFORM, ("agentworkloads/exec",), ("get", "create"), "`pai exec`"),
    Rule(
        PLATFORM,
        ("agentworkloads/restart", "agentworkloads/pause", "agentworkloads/resume"),
        ("create",),
        "`pai restart`, `pause`, `resume`",
    ),
)


def roles_for_people() -> tuple[Manifest, ...]:
    """Return the roles; who holds view, edit or admin in a namespace holds them there."""
    return (
        _aggregated("pai-view", "view", VIEW_RULES),
        _aggregated("pai-edit", "edit", VIEW_RULES + EDIT_RULES),
        *_version(),
    )


def _aggregated(name: str, into: str, rules: tuple[Rule, ...]) -> Manifest:
    head = cluster_object(f"{RBAC}/v1", "ClusterRole", name)
    head["metadata"]["labels"][f"{RBAC}/aggregate-to-{into}"] = "true"
    return {**head, "rules": [rule.manifest() for rule in rules]}


def _version() -> tuple[Manifest, Manifest]:
    """Let everybody whom the API server knows ask for the platform's version, as for its own."""
    name = "pai-version"
    rule = Rule(PLATFORM, ("version",), ("get", "list"), "`pai version`")
    group = {
        "apiGroup": RBAC,
        "kind": "Group",
        "name": "system:authenticated",
    }
    return (
        {**cluster_object(f"{RBAC}/v1", "ClusterRole", name), "rules": [rule.manifest()]},
        {
            **cluster_object(f"{RBAC}/v1", "ClusterRoleBinding", name),
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [group],
        },
    )
