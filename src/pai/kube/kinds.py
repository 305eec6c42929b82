"""Kinds of API objects that Pai touches, and where they are found."""

from typing import Any, Final, NamedTuple
from urllib.parse import quote

Json = dict[str, Any]


class Kind(NamedTuple):
    """One kind of object. plural: as in its path."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Return the path of one object, or of all; namespace None = of all namespaces."""
        root = "api" if "/" not in self.api_version else "apis"
        parts = [root, self.api_version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/" + "/".join(parts)


_PAI = "pai.io/v1"
_RBAC = "rbac.authorization.k8s.io/v1"
_ADMISSION = "admissionregistration.k8s.io/v1"

AGENT_WORKLOADS: Final = Kind(_PAI, "AgentWorkload", "agentworkloads")
MODEL_BINDINGS: Final = Kind(_PAI, "ModelBinding", "modelbindings")
PROVIDERS: Final = Kind(_PAI, "Provider", "providers")
SECRETS: Final = Kind("v1", "Secret", "secrets")
CONFIG_MAPS: Final = Kind("v1", "ConfigMap", "configmaps")
SERVICES: Final = Kind("v1", "Service", "services")
PODS: Final = Kind("v1", "Pod", "pods")
CLAIMS: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
EVENTS: Final = Kind("v1", "Event", "events")
SERVICE_ACCOUNTS: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
ENDPOINTS: Final = Kind("v1", "Endpoints", "endpoints")
NAMESPACES: Final = Kind("v1", "Namespace", "namespaces", namespaced=False)
NODES: Final = Kind("v1", "Node", "nodes", namespaced=False)
DEPLOYMENTS: Final = Kind("apps/v1", "Deployment", "deployments")
STATEFUL_SETS: Final = Kind("apps/v1", "StatefulSet", "statefulsets")
DAEMON_SETS: Final = Kind("apps/v1", "DaemonSet", "daemonsets")
REPLICA_SETS: Final = Kind("apps/v1", "ReplicaSet", "replicasets")
JOBS: Final = Kind("batch/v1", "Job", "jobs")
NETWORK_POLICIES: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESSES: Final = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
PDBS: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
HPAS: Final = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
LEASES: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")
SERVICE_CIDRS: Final = Kind("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs", namespaced=False)
ENDPOINT_SLICES: Final = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
ROLES: Final = Kind(_RBAC, "Role", "roles")
ROLE_BINDINGS: Final = Kind(_RBAC, "RoleBinding", "rolebindings")
CLUSTER_ROLES: Final = Kind(_RBAC, "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDINGS: Final = Kind(
    _RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
STORAGE_CLASSES: Final = Kind(
    "storage.k8s.io/v1", "StorageClass", "storageclasses", namespaced=False
)
PRIORITY_CLASSES: Final = Kind(
    "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", namespaced=False
)
RUNTIME_CLASSES: Final = Kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", namespaced=False)
CRDS: Final = Kind(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
)
API_SERVICES: Final = Kind(
    "apiregistration.k8s.io/v1", "APIService", "apiservices", namespaced=False
)
ADMISSION_POLICIES: Final = Kind(
    _ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", namespaced=False
)
ADMISSION_POLICY_BINDINGS: Final = Kind(
    _ADMISSION,
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    namespaced=False,
)
ACCESS_REVIEWS: Final = Kind(
    "authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False
)
SELF_ACCESS_REVIEWS: Final = Kind(
    "authorization.k8s.io/v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    namespaced=False,
)

_KNOWN: Final = {
    (value.api_version, value.kind): value for value in list(globals().values())
    if isinstance(value, Kind)
}  # fmt: skip


def kind_of(document: Json) -> Kind:
    """Return the kind of an object. Raises LookupError for one that Pai never writes."""
    return kind_named(str(document.get("apiVersion")), str(document.get("kind")))


def kind_named(api_version: str, kind: str) -> Kind:
    """Return a kind by its name. Raises LookupError for one that Pai never writes."""
    return _KNOWN[api_version, kind]
