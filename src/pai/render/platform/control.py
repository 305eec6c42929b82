"""Control: its Deployment, its Service, and the aggregated API that leads to it."""

from pai.render.platform.access import API_SERVICE
from pai.render.platform.configuration import (
    DATA_CLAIM,
    SETTINGS_DIRECTORY,
    SETTINGS_FILE,
    SETTINGS_MAP,
    settings_digest,
)
from pai.render.platform.manifest import (
    CONTROL,
    CONTROL_API_PORT,
    CONTROL_INTERNAL_PORT,
    PROBE_PORT,
    Manifest,
    cluster_object,
    object_name,
    scraped,
)
from pai.render.platform.options import DATABASE_SECRET, Options
from pai.render.platform.people import PLATFORM
from pai.render.platform.pods import Mount, Process, deployment, rolling, service

_GRACE_SECONDS = 30
_DATABASE_DIRECTORY = "/etc/pai-database"
_DATA_DIRECTORY = "/data"
API_SERVICE_PORT = 443


def control_deployment(options: Options) -> Manifest:
    """Return control's Deployment; with SQLite never two at once, as they can't share a file."""
    external = options.database == "url"
    mounts = _mounts(external)
    process = Process(
        component=CONTROL,
        image=options.control_image,
        command=_command(external),
        ports=(("internal", CONTROL_INTERNAL_PORT), ("api", CONTROL_API_PORT)),
        mounts=mounts,
        replicas=options.controls,
        resources=options.control_resources,
        grace_seconds=_GRACE_SECONDS,
        strategy=rolling() if external else {"type": "Recreate"},
        annotations={"pai.io/settings-digest": settings_digest(options), **scraped(PROBE_PORT)},
        api_token=True,
        owned=next(m for m in mounts if m.name == "data") if options.needs_chown else None,
    )
    return deployment(options, process)


def control_service(options: Options) -> Manifest:
    """Return the address that the API server, gateways, edges and sidecars know."""
    ports = (
        ("internal", CONTROL_INTERNAL_PORT, "internal"),
        ("api", API_SERVICE_PORT, "api"),
    )
    return service(options, CONTROL, ports, {"type": "ClusterIP"})


def api_service(options: Options) -> Manifest:
    """Return the APIService; control adds its certificate authority when it starts.

    Until then the API server trusts nothing that answers there.
    Source: https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
    """
    target = {
        "namespace": options.namespace,
        "name": object_name(CONTROL),
        "port": API_SERVICE_PORT,
    }
    head = cluster_object("apiregistration.k8s.io/v1", "APIService", API_SERVICE, CONTROL)
    spec = {"group": PLATFORM, "version": "v1", "service": target}
    return {**head, "spec": {**spec, "groupPriorityMinimum": 1000, "versionPriority": 15}}


def _command(external: bool) -> tuple[str, ...]:
    settings = f"{SETTINGS_DIRECTORY}/{SETTINGS_FILE}"
    start = ("python3", "-m", "pai.control.kubernetes", "--settings", settings)
    database = ("--database-url-file", f"{_DATABASE_DIRECTORY}/url") if external else ()
    return (*start, "--data", _DATA_DIRECTORY, *database)


def _mounts(external: bool) -> tuple[Mount, ...]:
    settings = Mount("settings", SETTINGS_DIRECTORY, {"configMap": {"name": SETTINGS_MAP}})
    if not external:
        claim = {"persistentVolumeClaim": {"claimName": DATA_CLAIM}}
        return (settings, Mount("data", _DATA_DIRECTORY, claim, read_only=False))
    secret = {"secret": {"secretName": DATABASE_SECRET, "defaultMode": 0o440}}
    return (
        settings,
        Mount("database", _DATABASE_DIRECTORY, secret),
        Mount("data", _DATA_DIRECTORY, {"emptyDir": {"sizeLimit": "256Mi"}}, read_only=False),
    )
