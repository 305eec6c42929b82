"""What every runtime tells of what goes wrong, and how replicas get over it."""

import pytest
from tests.contract.runtime.world import Control, World, agent, desired

from pai.reconcile import PullImage, StartContainer
from pai.runtime.errors import EngineRefusedError


async def test_an_agent_that_exits_is_started_again_and_says_why(world: World) -> None:
    control = Control(world, agent(world), {"agent": "fail"})
    status = await control.until(lambda status: status.phase == "Failed")
    assert status.message == "agent exited with code 3: no such key"
    await control.until(lambda _: _failures(control) >= 3)
    assert [event.reason for event in control.events][:2] == ["Exited", "Exited"]
    ready = {item.type: item for item in control.status.conditions}["Ready"]  # type: ignore[union-attr]
    assert (ready.status, ready.reason) == ("False", "Exited")


async def test_a_failing_prepare_keeps_the_agent_from_starting(world: World) -> None:
    control = Control(world, agent(world), {"prepare": "fail"})
    status = await control.until(lambda _: _failures(control) >= 2)
    assert status.message == "prepare exited with code 3: no such key"
    assert {item.step for item in (await control.observe()).containers} == {"pause", "prepare"}


async def test_a_failing_seed_keeps_the_agent_from_starting(world: World) -> None:
    control = Control(world, agent(world), {"seed": "fail"})
    status = await control.until(lambda status: status.phase == "Failed")
    assert status.message == "seed exited with code 3: no such key"
    assert "agent" not in (await control.observe()).replica(0)


async def test_a_program_that_is_not_there_is_a_failure_with_its_name(world: World) -> None:
    control = Control(world, agent(world), {"agent": "absent"})
    status = await control.until(lambda status: status.phase == "Failed")
    assert status.message.startswith("agent can't be started: ")
    assert "/no/such/program" in status.message
    control.desired = desired(world, control.subject)
    control.subject = agent(world, env=(("FIXED", "1"),))
    control.desired = desired(world, control.subject)
    await control.running()


async def test_memory_over_the_limit_is_told(world: World) -> None:
    control = Control(world, agent(world), {"agent": "eat"})
    status = await control.until(lambda status: status.phase == "Failed")
    assert "memory limit of 32Mi" in status.message


async def test_a_lost_network_rebuilds_the_replica(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    before = (await control.observe()).replica(0)
    await world.kill(before["pause"].name)
    await control.until(lambda status: status.phase != "Running")
    await control.running()
    after = (await control.observe()).replica(0)
    assert not {item.id for item in before.values()} & {item.id for item in after.values()}
    assert "NetworkLost" in [event.reason for event in control.events]


async def test_a_crashed_sidecar_is_restarted_alone(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    before = (await control.observe()).replica(0)
    await world.kill(before["sidecar"].name)
    status = await control.until(lambda status: status.phase != "Running")
    assert "sidecar was killed" in status.message
    await control.running()
    after = (await control.observe()).replica(0)
    assert after["agent"] == before["agent"]
    assert after["sidecar"].id == before["sidecar"].id
    assert after["sidecar"].born != before["sidecar"].born


async def test_an_image_that_is_nowhere(world: World) -> None:
    control = Control(world, agent(world, image="127.0.0.1:9/no/such:image"))
    status = await control.until(lambda status: status.phase == "Failed")
    assert status.message.startswith("image 127.0.0.1:9/no/such:image can't be pulled: ")
    ready = {item.type: item for item in status.conditions}["Ready"]
    assert ready.reason == "ImagePullFailed"


async def test_a_pull_goes_on_in_the_background(world: World) -> None:
    runtime = world.runtime()
    image = "127.0.0.1:9/no/other:image"
    await runtime.execute(PullImage(image))
    await runtime.execute(PullImage(image))
    for _ in range(100):
        state = (await runtime.observe(agent(world).key, [image])).images[image]
        if state.error:
            break
        await Control(world, agent(world)).pause(0.1)
    assert (state.present, state.failures) == (False, 1)


async def test_present_images_are_known(world: World) -> None:
    seen = await world.runtime().observe(agent(world).key, [world.image, "no/such:image"])
    assert seen.images[world.image].present
    assert not seen.images["no/such:image"].present


async def test_a_refusal_is_told_as_such(world: World) -> None:
    control = Control(world, agent(world))
    with pytest.raises(EngineRefusedError):
        await control.runtime.execute(StartContainer("nobody", "0" * 64))


def _failures(control: Control) -> int:
    return max((record.failures for record in control.history.records.values()), default=0)
