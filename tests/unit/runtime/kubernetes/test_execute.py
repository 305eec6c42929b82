"""Planned actions become calls; what belongs to others is never merged into."""

from base64 import b64encode
from typing import Any

import pytest
from tests.fakes.cluster_objects import owned, stored
from tests.fakes.kube import FakeKube

from pai.ir.agent import AgentKey
from pai.kube import KubeRefusedError
from pai.reconcile.kubernetes import Apply, Delete, Patch, Ref, ref_of
from pai.runtime.kubernetes.execute import Executor
from pai.runtime.kubernetes.inventory import Inventory

KEY = AgentKey("team", "writer")
CONFIG = owned("ConfigMap", "pai-writer", data={"a": "b"})


def stage() -> tuple[FakeKube, Inventory, Executor]:
    kube: Any = FakeKube()
    inventory = Inventory(kube)

    def content(source: str, key: AgentKey) -> dict[str, str]:
        assert source == "sidecar-bootstrap" and key == KEY
        return {"bootstrap.json": "the content"}

    return kube, inventory, Executor(kube, inventory, content)


async def test_an_applied_object_is_known_at_once() -> None:
    kube, inventory, executor = stage()
    assert await executor.execute(KEY, Apply(CONFIG))
    assert kube.told == [("apply", "pai-writer")]
    assert ref_of(CONFIG) in inventory.observed(KEY).objects
    await executor.execute(KEY, Apply(CONFIG))
    assert kube.told[-1] == ("apply", "pai-writer") and len(kube.told) == 2


async def test_a_name_that_is_anothers_is_left_alone_and_remembered() -> None:
    kube, inventory, executor = stage()
    theirs = stored(CONFIG)
    del theirs["metadata"]["ownerReferences"], theirs["metadata"]["labels"]
    kube.put(theirs)
    told: list[AgentKey] = []
    inventory.subscribe(told.append)
    assert not await executor.execute(KEY, Apply(CONFIG))
    assert kube.told == [("apply", "pai-writer"), ("get", "pai-writer")] and told == [KEY]
    assert kube.stored["ConfigMap", "team", "pai-writer"] == theirs
    assert inventory.observed(KEY).objects[ref_of(CONFIG)] == theirs
    inventory.forget_foreign(KEY)
    assert inventory.observed(KEY).objects == {}


async def test_what_is_ours_and_not_known_yet_is_applied_all_the_same() -> None:
    kube, inventory, executor = stage()
    kube.put(stored(CONFIG))
    assert await executor.execute(KEY, Apply({**CONFIG, "data": {"a": "new"}}))
    assert kube.told == [("apply", "pai-writer"), ("get", "pai-writer"), ("apply", "pai-writer")]
    assert inventory.observed(KEY).objects[ref_of(CONFIG)]["data"] == {"a": "new"}


async def test_a_refusal_for_another_reason_is_raised() -> None:
    kube, _, executor = stage()

    async def refuse(*_: Any, **__: Any) -> None:
        raise KubeRefusedError(403, "Forbidden", "the quota is used up")

    kube.apply = refuse  # type: ignore[assignment,method-assign]
    with pytest.raises(KubeRefusedError, match="quota"):
        await executor.execute(KEY, Apply(CONFIG))


async def test_a_secrets_content_is_put_in_last_and_never_mirrored() -> None:
    kube, inventory, executor = stage()
    secret = owned("Secret", "pai-writer-sidecar", type="Opaque")
    secret["metadata"]["annotations"]["pai.io/source"] = "sidecar-bootstrap"
    await executor.execute(KEY, Apply(secret))
    content = b64encode(b"the content").decode()
    assert kube.stored["Secret", "team", "pai-writer-sidecar"]["data"] == {
        "bootstrap.json": content
    }
    assert content not in str(inventory.observed(KEY)) and "data" not in secret


async def test_deletes_and_patches_are_passed_on() -> None:
    kube, _, executor = stage()
    kube.put(stored(CONFIG))
    await executor.execute(KEY, Patch(ref_of(CONFIG), {"data": {}}))
    await executor.execute(KEY, Delete(ref_of(CONFIG), "u1", orphan=True))
    await executor.execute(KEY, Delete(Ref("v1", "ConfigMap", "gone"), "u2"))
    assert kube.told == [
        ("patch", "pai-writer"),
        ("delete Orphan u1", "pai-writer"),
        ("delete Background u2", "gone"),
    ]
