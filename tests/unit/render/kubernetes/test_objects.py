"""Which objects an agent has, and in which order they are applied."""

from typing import Any

import msgspec
import pytest
from tests.fakes.cluster_agents import CLUSTER_FACTS

from pai.errors import SpecError
from pai.ir.agent import Agent, AgentKey, Autoscaling, ConfigFile, Inbound, Pod, Volume
from pai.render.kubernetes import OWNED_KINDS, Manifest, digest_of, render, scaled_elsewhere

AGENT = Agent(key=AgentKey("team", "a"), uid="u", host_id="h", generation=1, image="i:1")


def agent(**fields: Any) -> Agent:
    return msgspec.structs.replace(AGENT, **fields)


def objects(given: Agent) -> dict[str, Manifest]:
    found = render(given, CLUSTER_FACTS)
    return {f"{item['kind']} {item['metadata']['name']}": item for item in found}


def test_the_policy_comes_first_and_the_workload_last() -> None:
    given = agent(
        replicas=2, volumes=(Volume("v", "/v", 1),), inbound=Inbound(3000, ("0.0.0.0/0",))
    )
    assert list(objects(given)) == [
        "NetworkPolicy pai-a",
        "ConfigMap pai-a",
        "Secret pai-a-sidecar",
        "Service pods-a",
        "Service pai-a",
        "PodDisruptionBudget pai-a",
        "StatefulSet a",
    ]


def test_a_small_agent_has_few() -> None:
    assert list(objects(AGENT)) == [
        "NetworkPolicy pai-a",
        "ConfigMap pai-a",
        "Secret pai-a-sidecar",
        "Deployment a",
    ]


@pytest.mark.parametrize("cidrs", [(), ("::ffff:10.0.0.0/104",)])
def test_a_list_that_names_nobody_makes_no_load_balancer(cidrs: tuple[str, ...]) -> None:
    given = objects(agent(inbound=Inbound(3000, cidrs)))
    assert "Service pai-a" not in given
    assert len(given["NetworkPolicy pai-a"]["spec"]["ingress"]) == 1


def test_config_files_outside_of_volumes_are_kept_on_a_claim() -> None:
    given = objects(agent(config_files=(ConfigFile("/etc/app/x", "/etc/app", "c"),)))
    (claim,) = given["StatefulSet a"]["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert claim["metadata"]["labels"]["pai.io/volume"].startswith("config-")


def test_the_autoscaler_owns_the_number_of_replicas() -> None:
    given = agent(autoscaling=Autoscaling(max_replicas=3))
    assert scaled_elsewhere(given)
    assert "replicas" not in objects(given)["Deployment a"]["spec"]
    assert "PodDisruptionBudget pai-a" in objects(given)


def test_a_paused_agent_has_no_replica_whoever_scales_it() -> None:
    given = agent(paused=True, autoscaling=Autoscaling(max_replicas=3))
    assert not scaled_elsewhere(given)
    assert objects(given)["Deployment a"]["spec"]["replicas"] == 0
    assert "PodDisruptionBudget pai-a" not in objects(given)


def test_no_agent_lives_among_the_platforms_pods() -> None:
    with pytest.raises(SpecError, match="is the platform's own"):
        render(agent(key=AgentKey("pai-system", "control")), CLUSTER_FACTS)


def test_config_files_that_do_not_fit_are_refused_with_the_way_out() -> None:
    most = agent(config_files=(ConfigFile("/d/x", "/d", "x" * 990_000),))
    assert render(most, CLUSTER_FACTS)
    for content in ("x" * 1_000_000, "\n" * 500_000, "€" * 333_334):
        over = agent(config_files=(ConfigFile("/d/x", "/d", content),))
        with pytest.raises(SpecError, match=r"^spec\.configFiles: ") as caught:
            render(over, CLUSTER_FACTS)
        assert caught.value.hint == "put large files into the image or a volume"


def test_the_digest_of_an_object_is_the_one_that_it_carries() -> None:
    for item in render(AGENT, CLUSTER_FACTS):
        assert digest_of(item) == item["metadata"]["annotations"]["pai.io/digest"]
    assert digest_of({"kind": "X", "metadata": {}}) == digest_of(
        {"kind": "X", "metadata": {"annotations": {"pai.io/digest": "d"}}}
    )


def test_every_kind_that_is_made_is_looked_for() -> None:
    given = agent(replicas=2, inbound=Inbound(3000, ("::/0",)))
    made = {(item["apiVersion"], item["kind"]) for item in render(given, CLUSTER_FACTS)}
    assert made | {("apps/v1", "StatefulSet")} == set(OWNED_KINDS)


def test_the_way_to_the_end_is_longer_where_requests_come_in() -> None:
    pod = Pod(termination_grace_seconds=20)
    quiet = objects(agent(pod=pod))["Deployment a"]["spec"]["template"]["spec"]
    assert quiet["terminationGracePeriodSeconds"] == 20
    assert "lifecycle" not in quiet["containers"][0]
    open_ = objects(agent(pod=pod, inbound=Inbound(3000)))["Deployment a"]["spec"]["template"]
    assert open_["spec"]["terminationGracePeriodSeconds"] == 25
    stop = open_["spec"]["containers"][0]["lifecycle"]["preStop"]
    assert stop == {"sleep": {"seconds": 5}}
    [sidecar] = [c for c in open_["spec"]["initContainers"] if c["name"] == "sidecar"]
    assert "SIGUSR1" in sidecar["lifecycle"]["preStop"]["exec"]["command"][-1]
    assert all("lifecycle" not in container for container in quiet["initContainers"])
