"""What is legal in a resource and probably not meant; told by `apply` and in status."""

from pai.api.agentworkload import AgentWorkload
from pai.api.kinds import Resource
from pai.api.modelbinding import ModelBinding
from pai.api.pending import pending_warnings
from pai.api.provider import Provider
from pai.api.secret import Secret


def apply_warnings(resource: Resource) -> list[str]:
    """Return everything to tell when a resource is applied: also fields without effect yet."""
    return resource_warnings(resource) + pending_warnings(resource)


def local_warnings(resource: Resource) -> list[str]:
    """Return what has no effect on a container engine, each with its path; Kubernetes knows it."""
    if not isinstance(resource, AgentWorkload) or resource.spec.pod is None:
        return []
    used = [f"spec.pod.{name}" for name in resource.spec.pod.to_wire()]
    fields = ", ".join(used) or "spec.pod"
    return [f"{fields}: no effect here: only Kubernetes has pods; the agent runs without"]


def resource_warnings(resource: Resource) -> list[str]:
    """Return what is legal and probably not meant, each with its path."""
    if isinstance(resource, ModelBinding):
        return _binding(resource)
    if isinstance(resource, Provider):
        return _provider(resource)
    return _secret(resource) if isinstance(resource, Secret) else _agent(resource)


def _agent(resource: AgentWorkload) -> list[str]:
    spec = resource.spec
    warnings = []
    if spec.autoscaling is not None and not spec.autoscaling.metrics:
        warnings.append("spec.autoscaling.metrics: none given, so nothing is followed")
    if spec.inbound is not None and not spec.inbound.allow_cidrs:
        warnings.append("spec.inbound.allowCIDRs: none given, so nobody reaches the port")
    return warnings


def _binding(resource: ModelBinding) -> list[str]:
    spec = resource.spec
    if spec.api_key_secret_ref is None and spec.endpoint is None:
        return [f"spec.apiKeySecretRef: left out, so {spec.provider} is called without a key"]
    return []


def _provider(resource: Provider) -> list[str]:
    auth = resource.spec.auth
    warnings = []
    own_header = auth.header is not None and auth.header.lower() != "authorization"
    if own_header and auth.prefix is None:
        warnings.append(
            f"spec.auth.prefix: left out, so {auth.header} is sent as 'Bearer <token>'; "
            'write prefix: "" when the service wants the token alone'
        )
    if auth.secret_ref is None:
        warnings.append("spec.auth.secretRef: left out, so calls carry no credential")
    return warnings


def _secret(resource: Secret) -> list[str]:
    return [
        f"stringData.{key}: ends with a line break, which is part of the value; "
        "write it in quotes, or as a block with '|-'"
        for key, value in sorted(resource.string_data.items())
        if value.endswith("\n") and value.count("\n") == 1
    ]
