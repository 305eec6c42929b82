"""The store of a cluster, over a real API server: the store's contract, and what is its own."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.stage.cluster import Cluster
from tests.contract.test_store import (
    AGENT,
    KEY,
    LATER,
    NOW,
    SECRET,
    newest,
    put,
    test_a_commit_is_all_or_nothing,
    test_a_dry_run_changes_nothing,
    test_a_new_resource_gets_identity_and_times,
    test_a_watch_from_beyond_the_log_is_gone,
    test_audit_is_bounded_per_agent_and_counted,
    test_events_are_counted_not_repeated,
    test_expectations_are_kept,
    test_generation_grows_with_the_spec_only,
    test_notes_come_back_and_go,
    test_secrets_open_again_and_show_only_names,
    test_status_is_a_write_of_its_own,
    test_tokens_are_kept_as_hashes,
    test_watchers_see_every_change_in_order,
)

from pai.clock import utc_now
from pai.errors import ConflictError, NotFoundError, SpecError
from pai.kube import Kube
from pai.kube.kinds import CONFIG_MAPS, EVENTS, SECRETS
from pai.store.activity_store import ActivityStore
from pai.store.kubernetes import KubernetesStore
from pai.store.kubernetes.objects import KINDS
from pai.store.record import Change, Delete, Event, Record, ResourceKey

SHARED = (
    test_a_commit_is_all_or_nothing,
    test_a_dry_run_changes_nothing,
    test_a_new_resource_gets_identity_and_times,
    test_a_watch_from_beyond_the_log_is_gone,
    test_audit_is_bounded_per_agent_and_counted,
    test_events_are_counted_not_repeated,
    test_expectations_are_kept,
    test_generation_grows_with_the_spec_only,
    test_notes_come_back_and_go,
    test_secrets_open_again_and_show_only_names,
    test_status_is_a_write_of_its_own,
    test_tokens_are_kept_as_hashes,
    test_watchers_see_every_change_in_order,
)
CRDS = Path("deploy/kubernetes/crds")
CANARY = "canary-4f1d-value"


@pytest.fixture(scope="module")
def resources(control_plane: Cluster) -> Iterator[Cluster]:
    """A cluster that knows our kinds."""
    for file in sorted(CRDS.glob("*.yaml")):
        control_plane.kubectl("apply", "--server-side", "-f", str(file))
    names = [f"crd/{kind.plural}.pai.io" for kind in KINDS.values() if kind != SECRETS]
    control_plane.kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")
    yield control_plane


@pytest.fixture
async def kube(resources: Cluster) -> AsyncIterator[Kube]:
    made = Kube.from_kubeconfig(resources.kubeconfig)
    yield made
    for kind in (*KINDS.values(), CONFIG_MAPS):
        for item in (await made.list(kind, "default")).items:
            if item["metadata"]["name"] == "kube-root-ca.crt":
                continue
            if item["metadata"].get("finalizers"):
                patch = {"metadata": {"finalizers": None}}
                await made.patch(kind, item["metadata"]["name"], None, patch, manager="tests")
            await made.delete(kind, item["metadata"]["name"])
    await made.close()


@pytest.fixture
async def store(kube: Kube, tmp_path: Path) -> AsyncIterator[KubernetesStore]:
    activity = ActivityStore(tmp_path / "activity.db")
    await activity.open()
    made = KubernetesStore(kube, activity, utc_now, namespace="default")
    await made.open()
    yield made
    await made.close()


async def until(is_so: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.02)


async def known(store: KubernetesStore, key: ResourceKey) -> Record:
    found = await store.get(key)
    assert found is not None
    return found


async def collected(kube: Kube, record: Record) -> None:
    """Wait for Kubernetes' collector, which may know new kinds late and then tries ever rarer."""
    async with asyncio.timeout(300):
        while await kube.get(KINDS[record.key.kind], record.key.name, "default") is not None:
            await asyncio.sleep(0.1)


def owned_by(record: Record, name: str) -> dict[str, Any]:
    owner = {
        "apiVersion": "pai.io/v1",
        "kind": record.key.kind,
        "name": record.key.name,
        "uid": record.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "namespace": "default",
        "ownerReferences": [owner],
        "finalizers": ["tests.example/wait"],
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


async def test_deletion_waits_for_what_the_agent_owns(store: KubernetesStore, kube: Kube) -> None:
    [made] = await store.commit([put()], NOW)
    await kube.create(owned_by(made.record, "owned"))
    [marked] = await store.commit([Delete(key=AGENT, finalized=False, delete_volumes=True)], NOW)
    assert marked.outcome == "configured" and marked.record.deleted_at is not None
    record = await known(store, AGENT)
    assert record.deleted_at and record.delete_volumes and record.annotations == {}
    [again] = await store.commit([Delete(key=AGENT, finalized=False)], NOW)
    assert again.outcome == "unchanged"
    with pytest.raises(ConflictError, match="being deleted"):
        await store.commit([put(spec={"image": "b"})], NOW)
    with pytest.raises(NotFoundError):
        await store.commit([Delete(key=AGENT, finalized=True, uid="other")], NOW)
    told: list[Change] = []
    store.subscribe(told.extend)  # before the patch: all may be gone when its answer is here
    await kube.patch(
        CONFIG_MAPS, "owned", None, {"metadata": {"finalizers": None}}, manager="tests"
    )
    await collected(kube, made.record)
    await until(lambda: [change.type for change in told][-1:] == ["DELETED"])
    # Control's own last step finds it gone already; anybody else's does not.
    [last] = await store.commit([Delete(key=AGENT, finalized=True, uid=made.record.uid)], NOW)
    assert last.outcome == "deleted"
    with pytest.raises(NotFoundError):
        await store.commit([Delete(key=AGENT, finalized=True)], NOW)
    [anew] = await store.commit([put()], LATER)
    assert anew.record.uid != made.record.uid


async def test_an_agent_that_waits_for_others_can_be_finalized(
    store: KubernetesStore, kube: Kube
) -> None:
    [made] = await store.commit([put()], NOW)
    await kube.create(owned_by(made.record, "owned"))
    await store.commit([Delete(key=AGENT, finalized=False)], NOW)
    await store.commit([Delete(key=AGENT, finalized=True, uid=made.record.uid)], NOW)
    assert await store.get(AGENT) is None
    await asyncio.sleep(0.3)  # news of the time before must not bring it back
    assert await store.get(AGENT) is None


async def test_what_others_wrote_stays(store: KubernetesStore, resources: Cluster) -> None:
    await store.commit([put(labels={"a": "1", "b": "2"}, annotations={"x": "1"})], NOW)
    name = "agentworkload/writer"
    resources.kubectl("label", name, "theirs=kept")
    resources.kubectl("label", name, "b=taken", "--overwrite")
    resources.kubectl("annotate", name, "argocd.argoproj.io/sync-wave=3")
    [changed] = await store.commit([put(labels={"c": "3"})], NOW)
    assert changed.outcome == "configured"
    assert changed.record.labels == {"theirs": "kept", "b": "taken", "c": "3"}
    assert changed.record.annotations == {"argocd.argoproj.io/sync-wave": "3"}
    shown = resources.get(name)["metadata"]
    assert shown["labels"] == changed.record.labels
    assert changed.record.generation == 1


async def test_defaults_of_the_api_server_are_no_change(
    store: KubernetesStore, kube: Kube, resources: Cluster
) -> None:
    [made] = await store.commit([put()], NOW)
    assert made.record.spec["replicas"] == 1
    changes: list[Change] = []
    store.subscribe(changes.extend)
    [same] = await store.commit([put()], NOW)
    assert same.outcome == "unchanged" and same.record == made.record
    shown = resources.get("agentworkload/writer")["metadata"]
    assert shown["resourceVersion"] == str(made.record.resource_version)
    await asyncio.sleep(0.2)
    assert changes == []
    resources.kubectl("patch", "agentworkload/writer", "--type=merge", '-p={"spec":{"replicas":3}}')
    await until(lambda: changes)
    [back] = await store.commit([put()], NOW)
    assert back.outcome == "configured" and back.record.spec["replicas"] == 1


async def test_a_refusal_names_the_field(store: KubernetesStore) -> None:
    wrong = put(spec={"image": 3, "runAsUser": 0})
    good = put(ResourceKey("Provider", "default", "p"))
    start = await newest(store)
    with pytest.raises(SpecError, match=r"spec\.image: .*string"):
        await store.commit([good, wrong], NOW)
    assert await newest(store) == start
    nowhere = put(ResourceKey("Provider", "nowhere", "p"))
    with pytest.raises(NotFoundError) as caught:
        await store.commit([nowhere], NOW)
    assert "create namespace nowhere" in str(caught.value.hint)


async def test_changes_by_hand_are_seen_and_not_overwritten_blindly(
    store: KubernetesStore, resources: Cluster
) -> None:
    [made] = await store.commit([put()], NOW)
    resources.kubectl("annotate", "agentworkload/writer", "by=hand")
    version = made.record.resource_version
    with pytest.raises(ConflictError, match="changed by someone else"):
        await store.commit([put(spec={"image": "b"}, expected=version)], NOW)
    [forced] = await store.commit([put(spec={"image": "b"})], NOW)
    assert forced.record.spec["image"] == "b" and forced.record.annotations == {"by": "hand"}
    resources.kubectl("delete", "agentworkload/writer")
    [anew] = await store.commit([put()], NOW)
    assert anew.outcome == "created" and anew.record.uid != made.record.uid


async def test_only_labelled_secrets_exist(store: KubernetesStore, resources: Cluster) -> None:
    resources.kubectl("create", "secret", "generic", "keys", f"--from-literal=token={CANARY}")
    assert await store.get(SECRET) is None and await store.secret_values(SECRET) == {}
    with pytest.raises(SpecError, match="not Pai's") as caught:
        await store.commit([put(SECRET, values={"token": "mine"})], NOW)
    assert "pai.io/secret=true" in str(caught.value.hint) and CANARY not in str(caught.value)
    with pytest.raises(SpecError):
        await store.commit([Delete(key=SECRET, finalized=True)], NOW)
    resources.kubectl("label", "secret", "keys", "pai.io/secret=true")
    async with asyncio.timeout(10):
        while await store.get(SECRET) is None:
            await asyncio.sleep(0.02)
    assert await store.secret_values(SECRET) == {"token": CANARY}
    [taken] = await store.commit([put(SECRET, values={"token": "mine", "more": "1"})], NOW)
    assert taken.outcome == "configured" and CANARY not in str(taken)
    resources.kubectl("label", "secret", "keys", "pai.io/secret-")
    async with asyncio.timeout(10):
        while await store.get(SECRET) is not None:
            await asyncio.sleep(0.02)
    assert await store.secret_values(SECRET) == {}


async def test_a_secret_changed_by_hand_shows_new_ages(
    store: KubernetesStore, resources: Cluster
) -> None:
    values = {"a": "1", "b": "2"}
    [made] = await store.commit([put(SECRET, values=values, labels={"mine": "1"})], NOW)
    assert made.record.labels == {"mine": "1"} and made.record.annotations == {}
    assert (made.record.spec, made.record.generation) == ({}, 1)
    data = {"data": {"b": base64.b64encode(b"\xff\xfe").decode()}}
    changes: list[Change] = []
    store.subscribe(changes.extend)
    resources.kubectl("patch", "secret/keys", "--type=merge", f"-p={json.dumps(data)}")
    await until(lambda: changes)
    ages = {entry.name: entry.updated_at for entry in (await known(store, SECRET)).entries}
    assert ages["a"] == "2026-05-01T12:00:00Z" and ages["b"] != ages["a"]
    assert await store.secret_values(SECRET) == {"a": "1"}  # b is no text


async def test_a_refused_secret_is_not_quoted(store: KubernetesStore, kube: Kube) -> None:
    wrong = put(SECRET, values={f"not a key {CANARY[:6]}": CANARY})
    with pytest.raises(SpecError) as caught:
        await store.commit([wrong], NOW)
    assert CANARY not in str(caught.value) and "data[" in str(caught.value)
    fixed = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "labels": {"pai.io/secret": "true"}},
        "immutable": True,
    }
    await kube.create(fixed)
    with pytest.raises(SpecError, match="immutable"):
        await store.commit([put(SECRET, values={"token": CANARY})], NOW)


async def test_status_of_what_is_gone_is_not_written(
    store: KubernetesStore, resources: Cluster
) -> None:
    [made] = await store.commit([put()], NOW)
    uid = made.record.uid
    first = {"phase": "Pending", "message": "m", "conditions": []}
    assert await store.write_status(AGENT, uid, first)
    assert await store.write_status(AGENT, uid, {"phase": "Running", "readyReplicas": 1})
    shown = resources.get("agentworkload/writer")
    assert shown["status"] == {"phase": "Running", "readyReplicas": 1}
    assert (await known(store, AGENT)).status == shown["status"]
    managers = {entry["manager"] for entry in managed(resources)}
    assert managers == {"pai", "pai-control"}
    resources.kubectl("delete", "agentworkload/writer")
    assert not await store.write_status(AGENT, uid, {"phase": "Failed"})
    await store.commit([put()], NOW)
    assert not await store.write_status(AGENT, uid, {"phase": "Failed"})
    with pytest.raises(SpecError, match="status"):
        anew = await known(store, AGENT)
        await store.write_status(AGENT, anew.uid, {"phase": "NoSuchPhase"})


def managed(resources: Cluster) -> list[dict[str, Any]]:
    shown = resources.kubectl("get", "agentworkload/writer", "-o", "json", "--show-managed-fields")
    found: list[dict[str, Any]] = json.loads(shown)["metadata"]["managedFields"]
    return found


def exited(at: str) -> Event:
    return Event(f"2026-05-01T{at}Z", "Warning", "Exited", "code 1", 1)


async def test_a_flapping_agent_writes_its_event_once_a_minute(kube: Kube, tmp_path: Path) -> None:
    clock = [0.0]
    store, following = [
        KubernetesStore(
            kube,
            ActivityStore(tmp_path / f"{number}.db"),
            utc_now,
            namespace="default",
            clock=lambda: clock[0],
        )
        for number in range(2)
    ]
    await store.open()
    [made] = await store.commit([put()], NOW)
    before = dict(kube.calls)
    for second in range(30):
        await store.record_event(KEY, exited(f"12:00:{second:02}"))
    assert kube.calls["create"] == before["create"] + 1
    assert kube.calls["patch"] == before.get("patch", 0)
    [event] = await store.events(KEY)
    assert (event.count, event.at) == (30, "2026-05-01T12:00:29Z")
    clock[0] = 61.0
    await store.record_event(KEY, exited("12:01:01"))
    [written] = (
        await kube.list(EVENTS, "default", fields=f"involvedObject.uid={made.record.uid}")
    )[0]
    assert written["count"] == 31 and written["source"] == {"component": "pai-control"}
    await store.record_event(KEY, exited("12:01:02"))
    await store.close()  # what waits is written
    await following.open()
    await following.record_event(KEY, exited("12:02:00"))
    [event] = await following.events(KEY)
    assert event.count == 33
    await following.close()
