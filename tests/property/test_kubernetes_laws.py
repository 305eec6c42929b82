"""Laws of an agent's objects: deterministic, legal, collision-free, confined, without secrets."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fakes.agents import LABELS
from tests.fakes.cluster_agents import (
    CLUSTER_FACTS,
    FACTS_OF_CLUSTERS,
    PROVIDER,
    cluster_agents,
)
from tests.standards.expansion import expand
from tests.standards.pod_security import baseline_violations, restricted_violations

from pai.ir.agent import Agent, AgentKey, ConfigFile, Egress, EgressRule, Inbound, Limits, Volume
from pai.render.environment import environment
from pai.render.kubernetes import (
    OWNED_KINDS,
    Facts,
    Manifest,
    claim_name,
    digest_of,
    object_name,
    pods_service_name,
    render,
    scaled_elsewhere,
    sidecar_secret_name,
)
from pai.render.places import places

DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
MODEST = settings(max_examples=30, deadline=None)
WORKLOADS = ("Deployment", "StatefulSet")
# Short names over few letters meet where they can.
CLOSE = st.from_regex(r"[av0]([av0-]{0,5}[av0])?", fullmatch=True)


def workload(agent: Agent, facts: Facts = CLUSTER_FACTS) -> Manifest:
    return render(agent, facts)[-1]


def template(agent: Agent, facts: Facts = CLUSTER_FACTS) -> Manifest:
    found: Manifest = workload(agent, facts)["spec"]["template"]
    return found


def containers(pod: Manifest) -> dict[str, Manifest]:
    return {item["name"]: item for item in (*pod["initContainers"], *pod["containers"])}


def walk(value: Any) -> Any:
    """Yield every value of a document, with its field's name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


@MODEST
@given(cluster_agents(), FACTS_OF_CLUSTERS)
def test_rendering_is_deterministic(agent: Agent, facts: Facts) -> None:
    again = msgspec.json.decode(msgspec.json.encode(agent), type=Agent)
    assert render(agent, facts) == render(again, facts)


@MODEST
@given(cluster_agents(), FACTS_OF_CLUSTERS)
def test_the_order_of_what_has_none_does_not_matter(agent: Agent, facts: Facts) -> None:
    inbound = agent.inbound
    shuffled = msgspec.structs.replace(
        agent,
        volumes=agent.volumes[::-1],
        config_files=agent.config_files[::-1],
        env=agent.env[::-1],
        providers=agent.providers[::-1],
        egress=Egress(agent.egress.allow[::-1], agent.egress.mode),
        inbound=inbound and Inbound(inbound.port, inbound.allow_cidrs[::-1]),
    )
    others = msgspec.structs.replace(
        facts,
        dummies=facts.dummies[::-1],
        cluster_ranges=facts.cluster_ranges[::-1],
        private_upstreams=facts.private_upstreams[::-1],
    )
    assert render(agent, facts) == render(shuffled, others)


@MODEST
@given(cluster_agents())
def test_every_name_is_legal_and_used_once(agent: Agent) -> None:
    objects = render(agent, CLUSTER_FACTS)
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert len(names) == len(set(names))
    for kind, name in names:
        assert len(name) <= 63
        assert (SUBDOMAIN if kind in WORKLOADS else DNS_LABEL).fullmatch(name)
    pod = template(agent)["spec"]
    volumes = [volume["name"] for volume in pod["volumes"]] + claim_templates(agent)
    assert len(volumes) == len(set(volumes))
    assert all(DNS_LABEL.fullmatch(name) for name in (*volumes, *containers(pod)))
    for place in places(agent):
        assert len(claim_name(agent.key, place.volume, 999)) <= 253


def claim_templates(agent: Agent) -> list[str]:
    templates = workload(agent)["spec"].get("volumeClaimTemplates", [])
    return [item["metadata"]["name"] for item in templates]


@settings(max_examples=500, deadline=None)
@given(CLOSE | LABELS, CLOSE | LABELS)
@example("a", "a-pods")
@example("a", "pai-a")
@example("a", "a-sidecar")
@example("a", "pods-a")
def test_two_agents_of_a_namespace_share_no_name(one: str, two: str) -> None:
    def names(name: str) -> list[set[str]]:
        """Return the names by kind; both workloads are one, as an agent may become the other."""
        key = AgentKey("team", name)
        services = {object_name(key), pods_service_name(key)}
        return [{object_name(key)}, {sidecar_secret_name(key)}, services, {name}]

    for ours, theirs in zip(names(one), names(two), strict=True):
        assert ours == theirs if one == two else not ours & theirs


@settings(max_examples=500, deadline=None)
@given(st.tuples(CLOSE, CLOSE, st.integers(0, 11)), st.tuples(CLOSE, CLOSE, st.integers(0, 11)))
@example(("v", "x-y", 0), ("v-x", "y", 0))
@example(("v", "a-0", 1), ("v", "a", 0))
@example(("v", "a", 10), ("v", "a-1", 0))
def test_two_replicas_never_share_a_claim(
    one: tuple[str, str, int], two: tuple[str, str, int]
) -> None:
    def name(volume: str, agent: str, ordinal: int) -> str:
        return claim_name(AgentKey("team", agent), volume, ordinal)

    assert (name(*one) == name(*two)) == (one == two)


@settings(max_examples=200, deadline=None)
@given(LABELS, LABELS, st.integers(0, 999))
def test_a_claim_tells_its_volume(volume: str, agent: str, ordinal: int) -> None:
    name = claim_name(AgentKey("team", agent), volume, ordinal)
    head, _, rest = name.partition("-")
    hyphens = int(head.removeprefix("pai") or 0)
    assert "-".join(rest.split("-")[: hyphens + 1]) == volume
    assert volume in name


@MODEST
@given(cluster_agents(), FACTS_OF_CLUSTERS)
def test_every_object_is_labelled_owned_and_in_the_agents_namespace(
    agent: Agent, facts: Facts
) -> None:
    for item in render(agent, facts):
        metadata = item["metadata"]
        assert (item["apiVersion"], item["kind"]) in OWNED_KINDS
        assert metadata["namespace"] == agent.key.namespace
        assert metadata["labels"] == {
            "pai.io/agent": agent.key.name,
            "pai.io/instance": "i1",
            "app.kubernetes.io/managed-by": "pai",
        }
        (owner,) = metadata["ownerReferences"]
        assert owner["uid"] == agent.uid
        assert owner["controller"] is owner["blockOwnerDeletion"] is True
        assert metadata["annotations"]["pai.io/digest"] == digest_of(item)
    made = workload(agent, facts)["spec"]
    marks = made["template"]["metadata"]["labels"]
    assert made["selector"]["matchLabels"].items() <= marks.items()
    assert marks["pai.io/uid"] == agent.uid
    for claim in made.get("volumeClaimTemplates", []):
        assert "ownerReferences" not in claim["metadata"]
        assert all(LABEL_VALUE.fullmatch(text) for text in claim["metadata"]["labels"].values())


@MODEST
@given(cluster_agents())
def test_the_secret_is_empty_and_the_sidecar_alone_mounts_it(agent: Agent) -> None:
    (secret,) = (item for item in render(agent, CLUSTER_FACTS) if item["kind"] == "Secret")
    assert "data" not in secret
    assert "stringData" not in secret
    pod = template(agent)["spec"]
    (holder,) = (volume["name"] for volume in pod["volumes"] if "secret" in volume)
    (plan,) = (volume["name"] for volume in pod["volumes"] if "configMap" in volume)
    mounted = {
        name: {mount["name"] for mount in container["volumeMounts"]}
        for name, container in containers(pod).items()
    }
    assert [name for name, found in mounted.items() if holder in found] == ["sidecar"]
    assert [name for name, found in mounted.items() if plan in found] == ["prepare"]
    assert not any(name in ("secretKeyRef", "envFrom") for name, _ in walk(pod))


@MODEST
@given(cluster_agents(), FACTS_OF_CLUSTERS)
def test_every_mount_has_its_volume_and_the_run_directory_is_read_only(
    agent: Agent, facts: Facts
) -> None:
    pod = template(agent, facts)["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]} | set(claim_templates(agent))
    for name, container in containers(pod).items():
        mounts = container["volumeMounts"]
        assert {mount["name"] for mount in mounts} <= volumes
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
        run = [mount.get("readOnly", False) for mount in mounts if mount["name"] == "run"]
        assert run == {"prepare": [False], "sidecar": []}.get(name, [True])
    sidecar = containers(pod)["sidecar"]
    shown = [mount for mount in sidecar["volumeMounts"] if mount["name"].startswith("pai")]
    assert all(mount["readOnly"] for mount in shown)


@MODEST
@given(cluster_agents(), FACTS_OF_CLUSTERS)
def test_pods_obey_the_standard_or_break_it_in_one_known_way(agent: Agent, facts: Facts) -> None:
    pod = template(agent, facts)["spec"]
    if facts.restricted:
        assert restricted_violations(pod) == set()
        return
    prepare = "initContainers[prepare]"
    assert baseline_violations(pod) == {f"{prepare}.capabilities.add[NET_ADMIN]"}
    assert restricted_violations(pod) == {
        f"{prepare}.capabilities.add[CHOWN]",
        f"{prepare}.capabilities.add[NET_ADMIN]",
        f"{prepare}.runAsNonRoot",
        f"{prepare}.runAsUser",
    }


@MODEST
@given(cluster_agents(), FACTS_OF_CLUSTERS)
def test_pods_are_confined(agent: Agent, facts: Facts) -> None:
    pod = template(agent, facts)["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["shareProcessNamespace"] is False
    assert pod["dnsConfig"]["nameservers"] == ["127.0.0.1"]
    users = {name: item["securityContext"]["runAsUser"] for name, item in containers(pod).items()}
    assert users.pop("prepare") == (65531 if facts.restricted else 0)
    assert users.pop("sidecar") == 65531
    assert set(users.values()) == {agent.run_as_user}
    for name, item in containers(pod).items():
        assert item["terminationMessagePolicy"] == "FallbackToLogsOnError"
        assert item["securityContext"]["runAsGroup"] == item["securityContext"]["runAsUser"]
        assert item["securityContext"].get("readOnlyRootFilesystem", False) == (name != "agent")
    order = list(containers(pod))
    assert order == ["prepare", *(["seed"] if agent.config_files else []), "sidecar", "agent"]
    sidecar = containers(pod)["sidecar"]
    assert sidecar["restartPolicy"] == "Always"
    assert ("--restricted" in sidecar["command"]) == facts.restricted


@MODEST
@given(cluster_agents(), st.dictionaries(LABELS.map(str.upper), st.text("$()AB"), max_size=4))
def test_an_authors_text_is_never_expanded(agent: Agent, env: dict[str, str]) -> None:
    texts = tuple(env.values())
    given = msgspec.structs.replace(agent, env=tuple(env.items()), command=texts)
    container = containers(template(given)["spec"])["agent"]
    seen = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    assert {name: expand(value, seen) for name, value in seen.items()} == environment(
        given, CLUSTER_FACTS
    )
    assert tuple(expand(text, seen) for text in container.get("command", ())) == texts
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = getattr(agent.pod, name.removesuffix("Probe"))
        asked = container.get(name, {}).get("exec", {}).get("command", ())
        assert tuple(expand(text, seen) for text in asked) == (probe.command if probe else ())


@MODEST
@given(cluster_agents())
def test_variables_are_sorted_and_the_replica_is_told(agent: Agent) -> None:
    env = containers(template(agent)["spec"])["agent"]["env"]
    names = [entry["name"] for entry in env]
    assert names == sorted(set(names))
    (replica,) = (entry for entry in env if entry["name"] == "PAI_REPLICA")
    stateful = workload(agent)["kind"] == "StatefulSet"
    path = "metadata.labels['apps.kubernetes.io/pod-index']" if stateful else "metadata.name"
    assert replica["valueFrom"]["fieldRef"]["fieldPath"] == path


QUIET: dict[str, Any] = {
    "generation": 99,
    "host_id": "other",
    "tokens": Limits(1, 1),
    "replicas": 7,
    "paused": True,
    "egress": Egress((EgressRule("new.example", (1,)),)),
    "providers": (PROVIDER,),
    "ops_instructions": "read this",
}
LOUD: dict[str, Any] = {
    "image": "new:1",
    "command": ("new",),
    "env": (("NEW", "1"),),
    "restarted_at": "later",
    "config_files": (ConfigFile("/new/x", "/new", "y"),),
    "volumes": (Volume("new", "/new", 1),),
    "run_as_user": 65533,
}


@pytest.mark.parametrize("field", QUIET)
@settings(max_examples=5, deadline=None)
@given(cluster_agents())
def test_what_does_not_matter_to_a_pod_replaces_none(field: str, agent: Agent) -> None:
    changed = msgspec.structs.replace(agent, **{field: QUIET[field]})
    assert template(agent) == template(changed)


@pytest.mark.parametrize("field", LOUD)
@settings(max_examples=5, deadline=None)
@given(cluster_agents())
def test_what_matters_to_a_pod_replaces_it(field: str, agent: Agent) -> None:
    changed = msgspec.structs.replace(agent, **{field: LOUD[field]})
    assert template(agent) != template(changed)


@MODEST
@given(cluster_agents(), st.sampled_from(["ca_pem", "extra_ca_pem", "bootstrap_version", "image"]))
def test_what_a_pod_reads_once_replaces_it(agent: Agent, field: str) -> None:
    other = msgspec.structs.replace(CLUSTER_FACTS, **{field: "new"})
    assert template(agent) != template(agent, other)


@MODEST
@given(cluster_agents(), st.lists(st.just("10.0.0.0/8")))
def test_who_may_come_in_replaces_no_pod(agent: Agent, cidrs: list[str]) -> None:
    given = msgspec.structs.replace(agent, inbound=Inbound(3000))
    changed = msgspec.structs.replace(agent, inbound=Inbound(3000, tuple(cidrs)))
    assert template(given) == template(changed)


@MODEST
@given(cluster_agents())
def test_replicas_are_those_wanted_unless_the_autoscaler_owns_them(agent: Agent) -> None:
    spec = workload(agent)["spec"]
    expected = None if scaled_elsewhere(agent) else agent.desired_replicas
    assert spec.get("replicas") == expected
    assert scaled_elsewhere(agent) == (agent.autoscaling is not None and not agent.paused)
