"""Laws of reconciling: it converges whatever happens meanwhile, and then rests."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.agents import FACTS, agents
from tests.fakes.runtime import FakeEngine, FakeRuntime, Program

from pai.errors import TransientError
from pai.ir.agent import Agent
from pai.reconcile import (
    Action,
    History,
    Observed,
    ObservedContainer,
    ObservedVolume,
    Readiness,
    RemoveVolume,
    Step,
    next_step,
    plan,
    refused,
)
from pai.render.containers import ONE_SHOT, Container, Manifest, VolumeSpec, images_of, render
from pai.runtime.errors import EngineRefusedError

MODEST = settings(max_examples=60, deadline=None)
BUSY = st.builds(
    lambda agent, replicas: msgspec.structs.replace(agent, paused=False, replicas=replicas),
    agents(),
    st.integers(1, 3),
)


def applied(desired: tuple[Manifest, ...]) -> Observed:
    """Return what an engine holds that was given all of `desired`, in order."""
    containers = [item for item in desired if isinstance(item, Container)]
    volumes = [item for item in desired if isinstance(item, VolumeSpec)]
    return Observed(
        containers=tuple(_held(item) for item in containers),
        volumes=tuple(
            ObservedVolume(name=item.name, replica=item.replica, keep=item.keep) for item in volumes
        ),
    )


def _held(item: Container) -> ObservedContainer:
    return ObservedContainer(
        name=item.name,
        id=item.name,
        step=item.step,
        replica=item.replica,
        digest=item.digest,
        pod="" if item.joins is None else f"{item.joins}@",
        running=item.step not in ONE_SHOT,
        started=True,
    )


@MODEST
@given(agents())
def test_nothing_is_left_to_do_of_what_is_applied(agent: Agent) -> None:
    desired = render(agent, FACTS)
    assert plan(desired, applied(desired)) == []


@MODEST
@given(agents())
def test_everything_is_to_do_for_an_empty_engine(agent: Agent) -> None:
    desired = render(agent, FACTS)
    assert len(plan(desired, Observed())) == len(desired)


@MODEST
@given(BUSY)
def test_data_is_never_removed_unless_asked(agent: Agent) -> None:
    """Neither while containers are left nor after; with the wish to, all goes."""
    seen = applied(render(agent, FACTS))
    assert not [action for action in plan((), seen) if isinstance(action, RemoveVolume)]
    seen = msgspec.structs.replace(seen, containers=())
    scratch = {volume.name for volume in seen.volumes if not volume.keep}
    every = {volume.name for volume in seen.volumes}
    assert {action.name for action in removals(plan((), seen))} == scratch
    assert {action.name for action in removals(plan((), seen, delete_data=True))} == every


def removals(actions: list[Action]) -> list[RemoveVolume]:
    return [action for action in actions if isinstance(action, RemoveVolume)]


class KilledError(Exception):
    """Control was killed here."""


@dataclass
class Bench:
    """A control over a fake engine, with everything that may happen to both."""

    agent: Agent
    broken: set[str] = field(default_factory=set)
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self.engine = FakeEngine(self.program)
        self.engine.images |= {"one:1", "two:2", "ours:1"}

    def program(self, container: Container) -> Program:
        self.check_order(container)
        if container.step in self.broken:
            return Program(exit_code=1, output=(("stderr", b"broken\n"),))
        return Program(exit_code=0 if container.step in ONE_SHOT else None)

    def check_order(self, container: Container) -> None:
        """No step starts before those it needs did their work, in the same network."""
        if container.step not in {"agent", "seed"}:
            return
        have = {
            held.made_of.step: held
            for held in self.engine.containers.values()
            if held.made_of.replica == container.replica
        }
        assert have["pause"].running
        done = have["prepare"]
        assert not done.running
        assert done.starts
        assert done.exit_code == 0
        assert done.pod == have["pause"].identity
        if container.step == "agent":
            assert have["agent"].pod == have["pause"].identity

    def readiness(self, seen: Observed) -> dict[int, Readiness]:
        """Sidecars are ready at once, agents open their port after a second."""
        late = self.engine.clock() - timedelta(seconds=1)
        up = {item.replica for item in seen.containers if item.step == "sidecar" and item.running}
        open_ports = {
            item.replica
            for item in seen.containers
            if item.step == "agent" and item.running and item.started_at
            if item.started_at <= late
        }
        return {number: Readiness(sidecar=True, inbound=number in open_ports) for number in up}

    def serving(self) -> int:
        """Return how many replicas answer."""
        runtime = FakeRuntime(self.engine, FACTS.instance, lambda *_: b"")
        ready = self.readiness(asyncio.run(runtime.observe(self.agent.key)))
        return sum(item.inbound is True for item in ready.values())

    def look(self, killed_after: int | None = None) -> Step:
        """Do one round; killed_after: calls after which control is killed."""
        runtime = FakeRuntime(self.engine, FACTS.instance, lambda *_: b"secret")
        desired = render(self.agent, FACTS)
        seen = asyncio.run(runtime.observe(self.agent.key, images_of(desired)))
        seen = msgspec.structs.replace(seen, readiness=self.readiness(seen))
        step = next_step(self.agent, desired, seen, self.history, self.engine.clock())
        self.history = step.history
        left = [killed_after]

        def count() -> None:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise KilledError

        runtime.before_call = count
        for action in step.actions:
            try:
                asyncio.run(runtime.execute(action))
            except (KilledError, TransientError):
                break
            except EngineRefusedError as error:
                self.history = refused(self.history, action, error.message, self.engine.clock())
                break
        return step

    def settle(self) -> Step:
        """Look until there is nothing to do; time passes as asked for."""
        for _ in range(300):
            step = self.look()
            if not step.actions and step.requeue_seconds is None:
                return step
            self.engine.clock.forward(step.requeue_seconds or 0.01)
        raise AssertionError(f"no rest: {step}")


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("kill"), st.integers(0, 20)),
        st.tuples(st.just("crash"), st.integers(0, 12)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 700)),
        st.tuples(st.just("replicas"), st.integers(0, 3)),
        st.tuples(st.just("edit"), st.integers(0, 3)),
        st.tuples(st.just("break"), st.sampled_from(["prepare", "sidecar", "seed", "agent"])),
        st.tuples(st.just("mend"), st.just(0)),
        st.tuples(st.just("vanish"), st.integers(0, 20)),
        st.tuples(st.just("restart"), st.integers(0, 20)),
    ),
    min_size=5,
    max_size=30,
)


def happen(bench: Bench, kind: str, value: int | str) -> None:
    """Let one thing happen, to the engine, to control or to the spec."""
    names = sorted(bench.engine.containers)
    if kind in {"kill", "vanish", "restart"} and names:
        disturb(bench, kind, names[int(value) % len(names)])
    match kind, value:
        case "crash", int(calls):
            bench.look(killed_after=calls)
        case "wait", int(seconds):
            bench.engine.clock.forward(seconds)
        case "replicas", int(count):
            bench.agent = msgspec.structs.replace(bench.agent, replicas=count)
        case "edit", int(number):
            bench.agent = msgspec.structs.replace(bench.agent, env=(("EDIT", str(number)),))
        case "break", str(step):
            bench.broken.add(step)
        case "mend", _:
            bench.broken.clear()


def disturb(bench: Bench, kind: str, name: str) -> None:
    """Do something to a container behind control's back."""
    held = bench.engine.containers[name]
    pause = held.made_of.step == "pause"
    if kind == "vanish" and not pause:
        bench.engine.remove(held.id)
    elif kind == "kill" or (kind == "restart" and pause):
        bench.engine.kill(name)
    if kind == "restart" and pause:
        bench.engine.start(held)


@settings(max_examples=120, deadline=None)
@given(BUSY, EVENTS)
def test_it_converges_whatever_happened(agent: Agent, events: list[tuple[str, int | str]]) -> None:
    bench = Bench(agent)
    for kind, value in events:
        happen(bench, kind, value)
        if kind != "crash":
            bench.look()
    bench.broken.clear()
    status = bench.settle().status
    assert status.ready_replicas == bench.agent.desired_replicas
    assert status.phase == ("Running" if bench.agent.desired_replicas else "Pending")
    seen = asyncio.run(
        FakeRuntime(bench.engine, FACTS.instance, lambda *_: b"").observe(bench.agent.key)
    )
    assert plan(render(bench.agent, FACTS), seen) == []


@MODEST
@given(BUSY, st.integers(0, 25))
def test_deletion_leaves_nothing_but_data(agent: Agent, killed_after: int) -> None:
    bench = Bench(agent)
    bench.look(killed_after)
    bench.look()
    data = {volume.name for volume in bench.engine.volumes.values() if volume.keep}
    runtime = FakeRuntime(bench.engine, FACTS.instance, lambda *_: b"")
    for _ in range(20):
        seen = asyncio.run(runtime.observe(agent.key))
        step = next_step(None, (), seen, bench.history, bench.engine.clock())
        if step.done:
            break
        for action in step.actions:
            asyncio.run(runtime.execute(action))
    assert step.done
    assert bench.engine.containers == {}
    assert bench.engine.volumes.keys() == data


@MODEST
@given(BUSY.filter(lambda agent: agent.replicas > 1))
def test_a_change_rolls_one_replica_at_a_time(agent: Agent) -> None:
    bench = Bench(agent)
    bench.settle()
    bench.agent = msgspec.structs.replace(agent, env=(("EDIT", "1"),))
    for _ in range(200):
        step = bench.look()
        assert bench.serving() >= agent.replicas - 1
        if not step.actions and step.requeue_seconds is None:
            break
        bench.engine.clock.forward(step.requeue_seconds or 0.01)
    assert step.status.ready_replicas == agent.replicas
    held = [one.made_of for one in bench.engine.containers.values()]
    assert {item.digest for item in held if item.step == "agent"} == {
        item.digest
        for item in render(bench.agent, FACTS)
        if isinstance(item, Container) and item.step == "agent"
    }
