"""Laws of the platform's objects, for any options."""

import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.errors import SpecError
from pai.ir.settings import Settings
from pai.render.platform import (
    CONTROL_RULES,
    EDIT_RULES,
    MANAGED_BY,
    OWN_NAMESPACE_RULES,
    VIEW_RULES,
    Manifest,
    Options,
    Resources,
    render_platform,
)

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
COUNTS = st.integers(1, 5)
OPTIONS = st.builds(
    lambda database, **rest: Options(
        database=database,
        control_replicas=0 if database == "sqlite" else rest.pop("controls"),
        **{name: value for name, value in rest.items() if name != "controls"},
    ),
    database=st.sampled_from(["sqlite", "url"]),
    controls=COUNTS,
    namespace=NAMES,
    domain=NAMES,
    url_scheme=st.just("https"),
    url_port=st.integers(0, 65535),
    tls_secret=st.sampled_from(["", "tls"]),
    ingress_class=st.sampled_from(["", "nginx"]),
    edge_service=st.sampled_from(["LoadBalancer", "NodePort", "ClusterIP"]),
    storage_class=st.sampled_from(["", "fast"]),
    agent_storage_class=st.sampled_from(["", "fast"]),
    gateway_replicas=COUNTS,
    edge_replicas=COUNTS,
    restricted=st.booleans(),
    pull_policy=st.sampled_from(["Always", "IfNotPresent", "Never"]),
    image_pull_secrets=st.lists(NAMES, max_size=2).map(tuple),
    private_upstreams=st.sampled_from([(), ("10.0.0.0/8", "fc00::/7")]),
    gateway_resources=st.just(Resources(cpu="2")),
)
SECRET_TYPES = ("Secret",)


def pods(found: tuple[Manifest, ...]) -> Iterator[Manifest]:
    return (each["spec"]["template"]["spec"] for each in found if each["kind"] == "Deployment")


def kinds(options: Options) -> list[tuple[str, str]]:
    return [(each["kind"], each["metadata"]["name"]) for each in render_platform(options)]


@given(OPTIONS)
def test_rendering_is_deterministic_and_names_are_used_once(options: Options) -> None:
    found = render_platform(options)
    assert found == render_platform(options)
    identities = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(identities)) == len(identities)
    assert identities[0] == ("Namespace", options.namespace)
    assert identities[-1] == ("APIService", "v1.platform.pai.io")


@given(OPTIONS)
def test_everything_is_labelled_in_one_namespace_and_holds_no_secret(options: Options) -> None:
    for each in render_platform(options):
        assert each["metadata"]["labels"][MANAGED_BY] == "pai-install"
        assert each["metadata"].get("namespace") in (None, options.namespace, "kube-system")
        assert each["kind"] not in SECRET_TYPES


@given(OPTIONS)
def test_every_pod_passes_pod_security_restricted(options: Options) -> None:
    found = list(pods(render_platform(options)))
    assert len(found) == 3
    for pod in found:
        assert breaches(pod) == []


@given(OPTIONS)
def test_only_control_has_a_token_and_nothing_is_written_but_where_it_may(options: Options) -> None:
    for pod in pods(render_platform(options)):
        [container] = pod["containers"]
        assert pod["automountServiceAccountToken"] is (container["name"] == "control")
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
        assert writable <= {"/tmp", "/data"}
        assert {"livenessProbe", "readinessProbe", "startupProbe"} <= container.keys()
        assert container["resources"]["limits"].keys() == {"memory"}


@given(OPTIONS)
def test_services_select_their_pods_and_name_their_ports(options: Options) -> None:
    found = render_platform(options)
    deployments = [each["spec"]["template"] for each in found if each["kind"] == "Deployment"]
    for service in (each for each in found if each["kind"] == "Service"):
        wanted = service["spec"]["selector"].items()
        [template] = [t for t in deployments if wanted <= t["metadata"]["labels"].items()]
        [container] = template["spec"]["containers"]
        names = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@given(OPTIONS)
def test_settings_are_settings(options: Options) -> None:
    [found] = [e for e in render_platform(options) if e["metadata"]["name"] == "pai-settings"]
    text = found["data"]["settings.toml"]
    settings = msgspec.toml.decode(text, type=Settings)
    assert settings.system_namespace == options.namespace
    assert settings.restricted is options.restricted
    assert settings.url_port == (options.url_port or 443)
    assert tuple(tomllib.loads(text)["privateUpstreams"]) == options.private_upstreams


@given(OPTIONS)
def test_options_come_back_from_their_text(options: Options) -> None:
    assert msgspec.json.decode(msgspec.json.encode(options), type=Options) == options


def test_a_volume_that_is_not_ours_costs_no_more_than_one_chown() -> None:
    options = Options(chown_volume=True)
    namespace, *rest = render_platform(options)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    found = list(pods((namespace, *rest)))
    assert [breaches(pod) for pod in found] == [[], [], []]
    [owner] = [container for pod in found for container in pod.get("initContainers", ())]
    assert owner["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]}
    assert [mount["mountPath"] for mount in owner["volumeMounts"]] == ["/data"]
    with_database = msgspec.structs.replace(options, database="url")
    assert not [pod for pod in pods(render_platform(with_database)) if "initContainers" in pod]


def test_settings_start_control_anew() -> None:
    def mark(options: Options) -> str:
        control = next(e for e in render_platform(options) if e["kind"] == "Deployment")
        return str(control["spec"]["template"]["metadata"]["annotations"]["pai.io/settings-digest"])

    assert mark(Options(domain="a")) != mark(Options(domain="b"))
    assert mark(Options(gateway_replicas=3)) == mark(Options())


def test_sqlite_is_one_replica_with_a_claim_and_a_database_is_two_without() -> None:
    alone, many = render_platform(Options()), render_platform(Options(database="url"))
    control = [next(e for e in found if e["kind"] == "Deployment") for found in (alone, many)]
    assert [c["spec"]["replicas"] for c in control] == [1, 2]
    assert [c["spec"]["strategy"]["type"] for c in control] == ["Recreate", "RollingUpdate"]
    claim = ("PersistentVolumeClaim", "pai-control-data")
    assert claim in kinds(Options())
    assert claim not in kinds(Options(database="url"))
    assert ("PodDisruptionBudget", "pai-control") in kinds(Options(database="url"))
    assert ("PodDisruptionBudget", "pai-control") not in kinds(Options())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(namespace="No_Name"), "namespace"),
        (Options(domain="a b"), "domain"),
        (Options(image=""), "image"),
        (Options(control_image="a b"), "control_image"),
        (Options(control_replicas=2), "SQLite"),
        (Options(edge_replicas=0), "replicas"),
        (Options(tls_secret="t"), "urlScheme"),
    ],
)
def test_what_makes_no_platform_is_refused(options: Options, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        render_platform(options)


def test_no_right_has_a_wildcard_and_each_has_a_reason() -> None:
    for rule in CONTROL_RULES + OWN_NAMESPACE_RULES + VIEW_RULES + EDIT_RULES:
        assert "*" not in (rule.group, *rule.resources, *rule.verbs)
        assert rule.reason
    for each in render_platform(Options()):
        for rule in each.get("rules", ()):
            assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]


def test_who_may_view_can_not_write_or_run_anything() -> None:
    for rule in VIEW_RULES:
        assert set(rule.verbs) <= {"get", "list", "watch"}
        assert not {"agentworkloads/exec", "apply"} & set(rule.resources)
    assert not [rule for rule in VIEW_RULES + EDIT_RULES if rule.group not in GROUPS]


GROUPS = ("pai.io", "platform.pai.io")


def test_control_deletes_no_claim_and_no_namespace() -> None:
    rights = {r: set(rule.verbs) for rule in CONTROL_RULES for r in rule.resources}
    for resource in ("persistentvolumeclaims", "namespaces", "pods", "apiservices"):
        assert not rights[resource] & {"delete", "deletecollection", "create"}
    assert not rights.keys() & {"clusterroles", "roles", "serviceaccounts", "nodes"}


def breaches(pod: dict[str, Any]) -> list[str]:
    """What Pod Security `restricted` would refuse. Source: the standard's own list of controls."""
    found = []
    security = pod["securityContext"]
    if any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        found.append("host namespaces")
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    found += [v["name"] for v in pod["volumes"] if not (v.keys() - {"name"}) <= allowed]
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        found.append("seccomp")
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        found.append("root")
    for container in pod["containers"]:
        own = container["securityContext"]
        if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
            found.append("privileges")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            found.append("capabilities")
        if any(port.get("hostPort") for port in container["ports"]):
            found.append("host ports")
    return found


def test_scrapers_are_told_which_port_of_a_pod_has_figures() -> None:
    found = {
        each["metadata"]["name"]: each["spec"]["template"]
        for each in render_platform(Options())
        if each["kind"] == "Deployment"
    }
    for name, port in (("pai-control", 8081), ("pai-gateway", 9090)):
        marks = found[name]["metadata"]["annotations"]
        assert marks["prometheus.io/scrape"] == "true"
        assert marks["prometheus.io/port"] == str(port)
        [container] = found[name]["spec"]["containers"]
        assert port in [each["containerPort"] for each in container["ports"]]
    assert found["pai-edge"]["metadata"]["annotations"] == {}


@pytest.mark.parametrize("endpoint", ["collector:4318", "ftp://x", "http://u:p@x", "http://x?a=b"])
def test_what_is_no_collector_is_refused_and_not_repeated(endpoint: str) -> None:
    with pytest.raises(SpecError, match="otlpEndpoint") as caught:
        render_platform(Options(otlp_endpoint=endpoint))
    assert endpoint not in str(caught.value) + str(caught.value.hint)
