"""The Pod Security Standards as code: what in a pod's spec violates `baseline` or `restricted`.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (v1.34)
"""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_BASELINE_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_RESTRICTED_CAPABILITIES = {"NET_BIND_SERVICE"}
_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_KINDS_OF_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe")


def baseline_violations(spec: Json) -> set[str]:
    """Return what violates the standard `baseline`, as paths."""
    found = {name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)}
    found |= {
        f"volumes[{volume['name']}].hostPath"
        for volume in spec.get("volumes", ())
        if "hostPath" in volume
    }
    found |= {
        f"sysctls[{sysctl['name']}]"
        for sysctl in spec.get("securityContext", {}).get("sysctls", ())
        if sysctl["name"] not in _SAFE_SYSCTLS
    }
    found |= set(_baseline_context("", spec.get("securityContext", {})))
    for path, container in _containers(spec):
        found |= {path + wrong for wrong in _baseline_container(container)}
        found |= {path + wrong for wrong in _baseline_context(".", _context(container))}
    return found


def restricted_violations(spec: Json) -> set[str]:
    """Return what violates the standard `restricted`, which holds all of `baseline`."""
    found = baseline_violations(spec)
    for volume in spec.get("volumes", ()):
        if not _VOLUMES & set(volume):
            found.add(f"volumes[{volume['name']}]")
    pod = spec.get("securityContext", {})
    if pod.get("runAsUser") == 0:
        found.add("runAsUser")
    if pod.get("runAsNonRoot") is False:
        found.add("runAsNonRoot")
    for path, container in _containers(spec):
        found |= {path + wrong for wrong in _restricted_container(pod, _context(container))}
    return found


def _containers(spec: Json) -> Iterator[tuple[str, Json]]:
    for kind in _KINDS_OF_CONTAINERS:
        for container in spec.get(kind, ()):
            yield f"{kind}[{container['name']}]", container


def _context(container: Json) -> Json:
    context: Json = container.get("securityContext", {})
    return context


def _baseline_context(dot: str, context: Json) -> Iterator[str]:
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{dot}windowsOptions.hostProcess"
    if context.get("seccompProfile", {}).get("type") == "Unconfined":
        yield f"{dot}seccompProfile"
    if context.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield f"{dot}appArmorProfile"
    linux = context.get("seLinuxOptions", {})
    if linux.get("type", "") not in _SELINUX_TYPES or linux.get("user") or linux.get("role"):
        yield f"{dot}seLinuxOptions"


def _baseline_container(container: Json) -> Iterator[str]:
    context = _context(container)
    if context.get("privileged"):
        yield ".privileged"
    if context.get("procMount", "Default") != "Default":
        yield ".procMount"
    for capability in set(context.get("capabilities", {}).get("add", ())) - _BASELINE_CAPABILITIES:
        yield f".capabilities.add[{capability}]"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield ".hostPort"
    hooks = container.get("lifecycle", {})
    handlers = [container.get(name, {}) for name in _HANDLERS]
    for handler in (*handlers, hooks.get("preStop", {}), hooks.get("postStart", {})):
        if any(handler.get(way, {}).get("host") for way in ("httpGet", "tcpSocket")):
            yield ".host"


def _restricted_container(pod: Json, context: Json) -> Iterator[str]:
    if context.get("allowPrivilegeEscalation") is not False:
        yield ".allowPrivilegeEscalation"
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield ".runAsNonRoot"
    if context.get("runAsUser") == 0:
        yield ".runAsUser"
    profile = context.get("seccompProfile", pod.get("seccompProfile", {})).get("type")
    if profile not in ("RuntimeDefault", "Localhost"):
        yield ".seccompProfile"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield ".capabilities.drop"
    for capability in set(capabilities.get("add", ())) - _RESTRICTED_CAPABILITIES:
        yield f".capabilities.add[{capability}]"
