"""A cluster: is it reached and new enough, is the platform on it, and does it answer."""

from collections.abc import AsyncIterator, Sequence

from pai.cli.install.rollout import api_progress, deployment_progress, established
from pai.cli.install.sequence import OLDEST_VERSION, version_of
from pai.cli.output.doctor import Check
from pai.kube import Json, Kube
from pai.kube.kinds import API_SERVICES, CRDS, DEPLOYMENTS, PODS
from pai.render.platform.access import API_SERVICE
from pai.render.platform.manifest import COMPONENT, CONTROL, EDGE, GATEWAY, PART_OF, object_name

_INSTALL = "pai install kubernetes"
_SYSTEM_NAMESPACE = "pai-system"


async def api_server(kube: Kube, _: Sequence[Json]) -> AsyncIterator[Check]:
    """Check that the API server answers and is new enough."""
    answer = await kube.version()
    found, oldest = version_of(answer), ".".join(map(str, OLDEST_VERSION))
    said = str(answer.get("gitVersion"))
    if found < OLDEST_VERSION:
        yield Check(
            "API server", "FAIL", f"{said}; {oldest} is the oldest that works", "upgrade it"
        )
    else:
        yield Check("API server", "OK", said)


async def definitions(kube: Kube, wanted: Sequence[Json]) -> AsyncIterator[Check]:
    """Check that our kinds are defined as this version defines them."""
    for definition in wanted:
        name = definition["metadata"]["name"]
        found = await kube.get(CRDS, name)
        if found is None:
            yield Check(name, "FAIL", "not defined", _INSTALL)
        elif not established(found):
            yield Check(name, "FAIL", "defined, but not in use", f"kubectl describe crd {name}")
        elif not holds(found["spec"], definition["spec"]):
            yield Check(name, "WARN", "that of another version of pai", f"{_INSTALL} upgrades it")
        else:
            yield Check(name, "OK", "defined")


async def deployments(kube: Kube, _: Sequence[Json]) -> AsyncIterator[Check]:
    """Check that control, gateway and edge run as they should."""
    namespace = await system_namespace(kube)
    for component in (CONTROL, GATEWAY, EDGE):
        found = await kube.get(DEPLOYMENTS, object_name(component), namespace)
        pods, _version = await kube.list(PODS, namespace, f"{PART_OF}=pai,{COMPONENT}={component}")
        if found is None:
            yield Check(component, "FAIL", f"not in namespace {namespace}", _INSTALL)
            continue
        progress = deployment_progress(found, pods)
        advice = progress.hint or f"kubectl -n {namespace} get pods"
        if progress.said:
            yield Check(component, "FAIL", progress.failure or progress.said, advice)
        else:
            yield Check(component, "OK", "available")


async def aggregation(kube: Kube, _: Sequence[Json]) -> AsyncIterator[Check]:
    """Check that the API server passes the platform's API on to control."""
    found = await kube.get(API_SERVICES, API_SERVICE)
    if found is None:
        yield Check("aggregation", "FAIL", f"no APIService {API_SERVICE}", _INSTALL)
        return
    progress = api_progress(found)
    if progress.said:
        advice = "the API server must reach port 8443 of control's pods: look at firewalls"
        yield Check("aggregation", "FAIL", progress.said, advice)
    else:
        yield Check("aggregation", "OK", API_SERVICE)


async def system_namespace(kube: Kube) -> str:
    """Return the namespace that the platform is in, as its APIService says."""
    found = await kube.get(API_SERVICES, API_SERVICE) or {}
    service = (found.get("spec") or {}).get("service") or {}
    return str(service.get("namespace") or _SYSTEM_NAMESPACE)


def holds(found: object, wanted: object) -> bool:
    """Say whether `found` has everything that `wanted` has; defaults on top are no difference."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            holds(found.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        if not isinstance(found, list) or len(found) != len(wanted):
            return False
        return all(holds(*pair) for pair in zip(found, wanted, strict=True))
    return found == wanted
