"""Control as a process over an engine kept in a file, killed now and then by its own hand.

With a seed, a kill -9 comes at one in CRASH_ONE_IN of the moments at which an engine call is half
done. The engine's state survives, as a real engine's does.
"""

import asyncio
import os
import pickle
import random
import signal
from pathlib import Path
from typing import Any

from tests.fakes.control import LocalRuntime, ReadyProber, fake_engine
from tests.fakes.runtime import FakeEngine, Held

from pai.control.process import run
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.reconcile import Action
from pai.runtime.protocol import Runtime, SecretFile

CRASH_ONE_IN = 12


class KeptEngine(FakeEngine):
    """An engine whose objects are in a file."""

    file: Path

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "listeners": set()}

    def save(self) -> None:
        temporary = self.file.with_suffix(".new")
        temporary.write_bytes(pickle.dumps(self))
        temporary.replace(self.file)

    def create(self, container: Any, pod: str) -> Held:
        held = super().create(container, pod)
        self.save()
        return held

    def start(self, held: Held) -> None:
        super().start(held)
        self.save()

    def remove(self, identity: str) -> None:
        super().remove(identity)
        self.save()


class KeptRuntime(LocalRuntime):
    """Saves after every action."""

    async def execute(self, action: Action) -> None:
        await super().execute(action)
        engine = self._engine
        assert isinstance(engine, KeptEngine)
        engine.save()


def load(file: Path) -> KeptEngine:
    if file.exists():
        kept: KeptEngine = pickle.loads(file.read_bytes())
        kept.listeners = set()
        return kept
    made = fake_engine()
    engine = KeptEngine(made.programs)
    engine.images = made.images
    engine.file = file
    return engine


def objects(file: Path) -> tuple[dict[AgentKey, int], set[AgentKey]]:
    """Return agent containers by agent, and the agents of volumes that hold no data."""
    engine = load(file)
    counts: dict[AgentKey, int] = {}
    for held in engine.containers.values():
        key = _key(held.made_of.body["Labels"])
        counts[key] = counts.get(key, 0) + (held.made_of.step == "agent" and held.running)
    scratch = {_key(item.labels) for item in engine.volumes.values() if not item.keep}
    return counts, scratch


def _key(marks: dict[str, str]) -> AgentKey:
    return AgentKey(marks["pai.io/namespace"], marks["pai.io/agent"])


def over_kept_engine(data: Path, seed: int) -> None:
    """Run control over the engine in `data`; seed 0 = never dies by itself."""
    dice = random.Random(seed)

    def maybe_die() -> None:
        if seed and dice.randrange(CRASH_ONE_IN) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(_settings: Settings, instance: str, secret_file: SecretFile) -> Runtime:
        runtime = KeptRuntime(load(data / "engine.pickle"), instance, secret_file)
        runtime.before_call = maybe_die
        return runtime

    _logged(data)
    asyncio.run(run(data, connect, ReadyProber()))


def over_real_engine(data: Path, _seed: int) -> None:
    """Run control as `pai up` does."""
    _logged(data)
    asyncio.run(run(data))


def _logged(data: Path) -> None:
    handle = os.open(data / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
