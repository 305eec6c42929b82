"""What every runtime does with a replica, from nothing to nothing."""

import msgspec
from tests.contract.runtime.world import Control, World, agent, delete, desired

from pai.ir.agent import AgentKey
from pai.reconcile import RemoveContainer, RunContainer, plan
from pai.render.containers import Container


async def test_an_agent_comes_up_step_by_step(world: World) -> None:
    control = Control(world, agent(world))
    status = await control.running()
    assert (status.ready_replicas, status.replicas) == (1, 1)
    seen = await control.observe()
    assert plan(control.desired, seen) == []
    assert [item.step for item in seen.containers if item.running] == ["agent", "pause", "sidecar"]
    assert seen.addresses().keys() == {0}


async def test_a_second_look_changes_nothing(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    before = await control.observe()
    step = await control.round()
    assert (step.actions, step.requeue_seconds) == ((), None)
    assert await control.observe() == before


async def test_every_action_may_be_carried_out_twice(world: World) -> None:
    control = Control(world, agent(world))
    for _ in range(60):
        step = await control.round()
        for action in step.actions:
            await control.runtime.execute(action)
        if step.status.phase == "Running":
            break
        await control.pause(step.requeue_seconds)
    await control.running()
    assert plan(control.desired, await control.observe()) == []


async def test_removing_what_is_gone_is_no_error(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    found = (await control.observe()).replica(0)["agent"]
    for _ in range(2):
        await control.runtime.execute(RemoveContainer(found.name, found.id, 1))
    assert "agent" not in (await control.observe()).replica(0)


async def test_replicas_come_and_go(world: World) -> None:
    control = Control(world, agent(world, replicas=2))
    status = await control.until(lambda status: status.ready_replicas == 2)
    assert status.phase == "Running"
    control.desired = desired(world, agent(world, replicas=1))
    control.subject = agent(world, replicas=1)
    await control.until(lambda status: status.replicas == 1)
    await control.round()
    seen = await control.observe()
    assert {item.replica for item in seen.containers} == {0}
    assert [item.replica for item in seen.volumes if item.keep] == [0, 0, 1, 1]
    assert [item.replica for item in seen.volumes if not item.keep] == [0]


async def test_a_changed_spec_replaces_the_agent_and_keeps_its_network(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    before = (await control.observe()).replica(0)
    control.subject = agent(world, generation=2, env=(("NEW", "value"),))
    control.desired = desired(world, control.subject)
    await control.until(lambda status: status.observed_generation == 2)
    await control.running()
    after = (await control.observe()).replica(0)
    assert after["agent"].id != before["agent"].id
    assert after["sidecar"] == before["sidecar"]
    assert after["pause"] == before["pause"]


async def test_a_paused_agent_leaves_nothing_but_its_data(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    control.subject = agent(world, paused=True)
    control.desired = desired(world, control.subject)
    status = await control.until(lambda status: status.replicas == 0)
    await control.round()
    paused = {item.type: item for item in status.conditions}["Paused"]
    assert (status.phase, paused.status, paused.reason) == ("Pending", "True", "PausedByUser")
    seen = await control.observe()
    assert seen.containers == ()
    assert all(volume.keep for volume in seen.volumes)


async def test_deletion_keeps_data_unless_asked(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    kept = {volume.name for volume in (await control.observe()).volumes if volume.keep}
    key = control.subject.key
    await delete(control.runtime, key)
    seen = await control.runtime.observe(key)
    assert seen.containers == ()
    assert {volume.name for volume in seen.volumes} == kept != set()
    assert await control.runtime.observe_all() == frozenset()
    again = Control(world, agent(world, uid="uid-2"))
    await again.running()
    assert {volume.name for volume in (await again.observe()).volumes if volume.keep} == kept
    await delete(again.runtime, key, volumes=True)
    seen = await again.runtime.observe(key)
    assert (seen.containers, seen.volumes) == ((), ())


async def test_other_platforms_on_the_engine_are_not_seen(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    other = world.runtime(instance=f"{world.instance}x")
    assert await other.observe_all() == frozenset()
    seen = await other.observe(control.subject.key)
    assert (seen.containers, seen.volumes) == ((), ())
    stranger = AgentKey(control.subject.key.namespace, "stranger")
    seen = await control.runtime.observe(stranger)
    assert (seen.containers, seen.volumes) == ((), ())


async def test_what_was_only_created_is_never_started(world: World) -> None:
    """A control that is killed between create and start leaves a container without its files."""
    control = Control(world, agent(world))
    for container in control.desired:
        if isinstance(container, Container):
            await world.half_made(container)
    before = {item.step: item.id for item in (await control.observe()).containers}
    await control.running()
    after = {item.step: item.id for item in (await control.observe()).containers}
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


async def test_a_late_run_of_something_that_runs_changes_nothing(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    before = await control.observe()
    for container in control.desired:
        if isinstance(container, Container):
            await control.runtime.execute(RunContainer(container))
    assert await control.observe() == before


async def test_a_restart_request_makes_the_agent_anew(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    before = (await control.observe()).replica(0)
    control.subject = agent(world, restarted_at="2026-01-02T03:04:05Z")
    control.desired = desired(world, control.subject)
    await control.round()
    await control.running()
    after = (await control.observe()).replica(0)
    assert {step for step in before if before[step].id != after[step].id} == {"agent"}


async def test_observed_values_survive_json(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    seen = await control.observe()
    assert msgspec.json.decode(msgspec.json.encode(seen), type=type(seen)) == seen
