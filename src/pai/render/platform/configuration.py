"""The namespace, the settings that control reads, and where it keeps its data."""

import hashlib

import msgspec

from pai.render.platform.manifest import CONTROL, Manifest, cluster_object, namespaced
from pai.render.platform.options import Options
from pai.render.platform.upstreams import static_hosts

SETTINGS_MAP = "pai-settings"
SETTINGS_FILE = "settings.toml"
SETTINGS_DIRECTORY = "/etc/pai"
EXTRA_CA_FILE = "extra-ca.pem"
DATA_CLAIM = "pai-control-data"

_POD_SECURITY = "pod-security.kubernetes.io"


def system_namespace(options: Options) -> Manifest:
    """Return the platform's namespace; nothing in it needs a privilege, but for a chown."""
    head = cluster_object("v1", "Namespace", options.namespace)
    level = "baseline" if options.needs_chown else "restricted"
    levels = {f"{_POD_SECURITY}/{mode}": level for mode in ("enforce", "audit", "warn")}
    head["metadata"]["labels"].update(levels)
    return head


def settings_text(options: Options) -> str:
    """Return settings.toml; fields and defaults are those of docs/settings.md."""
    usual_port = 443 if options.url_scheme == "https" else 80
    settings: dict[str, object] = {
        "clusterRanges": list(options.cluster_ranges),
        "domain": options.domain,
        "image": options.image,
        "privateUpstreams": list(options.private_upstreams),
        "pullPolicy": options.pull_policy,
        "restricted": options.restricted,
        "systemNamespace": options.namespace,
        "trustedProxies": list(options.trusted_proxies),
        "urlPort": options.url_port or usual_port,
        "urlScheme": options.url_scheme,
    }
    if options.static_hosts:
        settings["staticHosts"] = static_hosts(options.static_hosts)
    if options.extra_ca_pem:
        settings["extraCaFile"] = f"{SETTINGS_DIRECTORY}/{EXTRA_CA_FILE}"
    if options.otlp_endpoint:
        settings["otlpEndpoint"] = options.otlp_endpoint
        settings["traceSampleRatio"] = options.trace_sample_ratio
    if options.agent_storage_class:
        settings["replicaStorageClass"] = options.agent_storage_class
    return msgspec.toml.encode(settings).decode()


def settings_map(options: Options) -> Manifest:
    """Return the ConfigMap that holds settings.toml, and the file that it may name."""
    head = namespaced(options, "v1", "ConfigMap", SETTINGS_MAP, CONTROL)
    more = {EXTRA_CA_FILE: options.extra_ca_pem} if options.extra_ca_pem else {}
    return {**head, "data": {SETTINGS_FILE: settings_text(options), **more}}


def settings_digest(options: Options) -> str:
    """Return what changes with the settings, so that control starts anew with them."""
    text = settings_text(options) + options.extra_ca_pem
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def data_claim(options: Options) -> Manifest:
    """Return the claim for control's SQLite files."""
    head = namespaced(options, "v1", "PersistentVolumeClaim", DATA_CLAIM, CONTROL)
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": options.storage_size}},
    }
    if options.storage_class:
        spec["storageClassName"] = options.storage_class
    return {**head, "spec": spec}
