"""What separates a cluster from what is rendered, and that nothing does once it was applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.cluster_objects import observed, owned, plain_agent, stored

from pai.ir.agent import Autoscaling
from pai.reconcile.kubernetes import Apply, Delete, Json, Patch, Ref, plan, ref_of
from pai.reconcile.kubernetes.plan import SCALED, SCALER

AGENT = plain_agent()


def deployment(**spec: object) -> Json:
    selector = {"matchLabels": {"pai.io/agent": "writer"}}
    return owned("Deployment", "writer", spec={"replicas": 1, "selector": selector, **spec})


def stateful_set(size: str = "1Gi", *names: str) -> Json:
    claims = [
        {
            "metadata": {"name": name},
            "spec": {"resources": {"requests": {"storage": size}}},
        }
        for name in names or ("data",)
    ]
    return owned("StatefulSet", "writer", spec={"replicas": 1, "volumeClaimTemplates": claims})


CONFIG = owned("ConfigMap", "pai-writer", data={"prepare.json": "{}"})


def test_a_missing_object_is_applied_in_the_order_given() -> None:
    found = plan(AGENT, [CONFIG, deployment()], observed())
    assert found.actions == (Apply(CONFIG), Apply(deployment()))
    assert not found.taken and not found.waits


def test_a_second_run_changes_nothing() -> None:
    found = plan(AGENT, [CONFIG, deployment()], observed(stored(CONFIG), stored(deployment())))
    assert found == ((), (), False)


@given(st.integers(0, 9), st.text(max_size=8))
def test_hand_edits_of_what_we_render_are_undone(replicas: int, data: str) -> None:
    edited, config = stored(deployment()), stored(CONFIG)
    edited["spec"]["replicas"] = replicas
    config["data"]["prepare.json"] = data
    found = plan(AGENT, [CONFIG, deployment()], observed(edited, config)).actions
    expected = [Apply(CONFIG)] if data != "{}" else []
    expected += [Apply(deployment())] if replicas != 1 else []
    assert list(found) == expected


def test_a_field_we_no_longer_render_is_seen_by_the_digest() -> None:
    before = owned("Deployment", "writer", digest="old", spec=deployment()["spec"])
    assert plan(AGENT, [deployment()], observed(stored(before))).actions == (Apply(deployment()),)


def test_what_others_own_is_never_touched() -> None:
    theirs = stored(deployment())
    del theirs["metadata"]["ownerReferences"]
    found = plan(AGENT, [deployment()], observed(theirs))
    assert found.actions == () and found.taken == (ref_of(deployment()),)


def test_an_object_of_an_earlier_agent_goes_first() -> None:
    earlier = stored(owned("ConfigMap", "pai-writer", uid="of-an-earlier-agent", data={}))
    assert plan(AGENT, [CONFIG], observed(earlier)).actions == (Delete(ref_of(CONFIG), "u1"),)
    earlier["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    found = plan(AGENT, [CONFIG], observed(earlier))
    assert found.actions == () and found.waits


def test_what_is_no_longer_rendered_goes_and_claims_stay() -> None:
    service = stored(owned("Service", "pai-writer", spec={}), "u2")
    found = plan(AGENT, [deployment()], observed(stored(deployment()), service))
    assert found.actions == (Delete(Ref("v1", "Service", "pai-writer"), "u2"),)


def test_a_deployment_becomes_a_stateful_set() -> None:
    found = plan(AGENT, [stateful_set()], observed(stored(deployment())))
    assert found.actions == (
        Apply(stateful_set()),
        Delete(Ref("apps/v1", "Deployment", "writer"), "u1"),
    )


@pytest.mark.parametrize("new", [stateful_set("2Gi"), stateful_set("1Gi", "data", "more")])
def test_fixed_fields_change_by_making_it_anew_without_its_pods(new: Json) -> None:
    found = plan(AGENT, [new], observed(stored(stateful_set())))
    assert found.actions == (Delete(ref_of(new), "u1", orphan=True),)


def test_a_claim_grows_and_never_shrinks() -> None:
    def claim(name: str, size: str) -> Json:
        spec = {"resources": {"requests": {"storage": size}}}
        return {"metadata": {"name": name}, "spec": spec}

    claims = (claim("data-writer-0", "1Gi"), claim("data-writer-1", "3Gi"), claim("other", "1Gi"))
    found = plan(AGENT, [stateful_set("2Gi")], observed(claims=claims))
    change = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    assert found.actions == (
        Apply(stateful_set("2Gi")),
        Patch(Ref("v1", "PersistentVolumeClaim", "data-writer-0"), change),
    )


SCALED_AGENT = plain_agent(replicas=3, autoscaling=Autoscaling(max_replicas=9))


def without_count() -> Json:
    document = deployment()
    del document["spec"]["replicas"]
    return document


def test_an_autoscaled_workload_starts_with_its_count_and_is_let_go_then() -> None:
    made = plan(SCALED_AGENT, [without_count()], observed()).actions
    [first] = made
    assert isinstance(first, Apply) and first.document["spec"]["replicas"] == 3
    handed, final = plan(SCALED_AGENT, [without_count()], observed(stored(first.document))).actions
    assert isinstance(handed, Apply) and isinstance(final, Apply)
    assert (handed.manager, handed.document["spec"]) == (SCALER, {"replicas": 3})
    assert final.manager == "" and "replicas" not in final.document["spec"]
    later = stored(final.document)
    later["spec"]["replicas"] = 7  # of the autoscaler
    assert plan(SCALED_AGENT, [without_count()], observed(later)).actions == ()


def test_without_the_autoscaler_the_count_is_ours_again() -> None:
    later = stored(without_count())
    later["metadata"]["annotations"][SCALED] = SCALER
    later["spec"]["replicas"] = 7
    assert plan(AGENT, [deployment()], observed(later)).actions == (Apply(deployment()),)
