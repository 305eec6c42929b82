"""Who a change concerns, and what an agent resolves to while something is missing."""

from typing import Any

import msgspec
import pytest

from pai.control.catalog import Catalog
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.store.record import Change, ChangeType, Record, ResourceKey, SecretEntry

ONE, TWO = AgentKey("default", "one"), AgentKey("default", "two")


class World:
    """A catalog and the changes it is told."""

    def __init__(self) -> None:
        self.catalog = Catalog(Settings(), b"seed")
        self.told: list[frozenset[AgentKey]] = []
        self.catalog.subscribe(self.told.append)
        self.version = 0

    def put(self, kind: str, name: str, spec: dict[str, Any], **more: Any) -> Record:
        self.version += 1
        key = ResourceKey(kind, "default", name)
        before = self.catalog.records.get(key)
        record = Record(
            key=key,
            uid=f"uid-{kind}-{name}",
            generation=1,
            resource_version=self.version,
            created_at="2026-05-01T00:00:00Z",
            spec=spec,
            **more,
        )
        self.follow("MODIFIED" if before else "ADDED", record)
        return record

    def follow(self, kind: ChangeType, record: Record) -> None:
        self.catalog.follow([Change(self.version, kind, record)])

    def drop(self, kind: str, name: str) -> None:
        self.version += 1
        record = self.catalog.records[ResourceKey(kind, "default", name)]
        self.follow("DELETED", record)

    def secret(self, name: str = "s") -> Record:
        return self.put("Secret", name, {}, entries=(SecretEntry("token", "now"),))

    def concerned(self) -> set[AgentKey]:
        found = {key for keys in self.told for key in keys}
        self.told.clear()
        return found


MODEL = {"provider": "openai", "model": "m", "apiKeySecretRef": {"name": "s"}}
SERVICE = {"type": "http-token", "host": "a.test", "auth": {"secretRef": "t"}}


@pytest.fixture
def world() -> World:
    made = World()
    made.put("AgentWorkload", "one", {"image": "a", "modelBindings": ["m"], "providers": ["p"]})
    made.put("AgentWorkload", "two", {"image": "a"})
    made.told.clear()
    return made


def test_a_change_concerns_exactly_those_who_depend_on_it(world: World) -> None:
    world.put("ModelBinding", "m", MODEL)
    assert world.concerned() == {ONE}
    world.secret("s")
    assert world.concerned() == {ONE}
    world.secret("s")  # the same entries: the values may be others
    assert world.concerned() == {ONE}
    world.secret("unused")
    assert world.concerned() == set()
    world.put("Provider", "p", SERVICE)
    world.secret("t")
    world.drop("Secret", "t")
    assert world.concerned() == {ONE}
    world.put("AgentWorkload", "two", {"image": "b"})
    assert world.concerned() == {TWO}


def test_a_status_concerns_nobody(world: World) -> None:
    record = world.catalog.records[ResourceKey("AgentWorkload", "default", "two")]
    after = msgspec.structs.replace(record, status={"phase": "Running"}, resource_version=99)
    world.follow("MODIFIED", after)
    assert world.concerned() == set()
    assert world.catalog.record(TWO) == after
    deleted = msgspec.structs.replace(after, deleted_at="2026-05-01T00:00:00Z")
    world.follow("MODIFIED", deleted)
    assert world.concerned() == {TWO}


def test_what_is_missing_is_not_served(world: World) -> None:
    world.secret("s")
    world.secret("t")
    world.put("ModelBinding", "m", MODEL)
    world.put("Provider", "p", SERVICE)
    resolved = world.catalog.resolved(ONE)
    assert resolved is not None and resolved.agent is not None
    assert resolved.agent == resolved.served and resolved.problem == ("", "")
    world.drop("Secret", "t")
    resolved = world.catalog.resolved(ONE)
    assert resolved is not None and resolved.agent is None and resolved.served is not None
    assert [m.name for m in resolved.served.models] == ["m"]
    assert resolved.served.providers == ()
    assert resolved.problem[0] == "RefNotFound" and "'t'" in resolved.problem[1]
    world.drop("ModelBinding", "m")
    resolved = world.catalog.resolved(ONE)
    assert resolved is not None and resolved.served is not None
    assert resolved.served.models == ()


def test_a_stored_spec_that_no_longer_is_valid_is_a_fault(world: World) -> None:
    world.put("AgentWorkload", "two", {"image": "a", "surprise": 1})
    resolved = world.catalog.resolved(TWO)
    assert resolved is not None and resolved.agent is resolved.served is None
    assert resolved.problem[0] == "InvalidSpec" and "spec.surprise" in resolved.problem[1]


def test_limits_follow_the_resources(world: World) -> None:
    limits = world.catalog.limits
    assert limits.of("agent:default/one") == 1_000_000
    world.put("AgentWorkload", "one", {"image": "a", "tokens": {"maxPerDay": 7}})
    world.put("ModelBinding", "m", {**MODEL, "maxTokensPerDay": 9})
    assert (limits.of("agent:default/one"), limits.of("model:default/m")) == (7, 9)
    world.put("ModelBinding", "m", MODEL)
    assert limits.of("model:default/m") is None
    world.drop("AgentWorkload", "one")
    for subject in ("agent:default/one", "model:default/x", ""):
        with pytest.raises(LookupError):
            limits.of(subject)


def test_an_agent_made_anew_has_another_owner(world: World) -> None:
    old = world.catalog.records[ResourceKey("AgentWorkload", "default", "one")]
    assert world.catalog.owner(old.uid) == ONE
    world.drop("AgentWorkload", "one")
    assert world.catalog.owner(old.uid) is None and world.catalog.record(ONE) is None
    new = msgspec.structs.replace(old, uid="other")
    world.follow("ADDED", new)
    assert world.catalog.owner("other") == ONE and world.catalog.agents() == [ONE, TWO]
