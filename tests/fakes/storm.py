"""Random writes to a control that is killed again and again, and what must be true after."""

import multiprocessing
import multiprocessing.context
import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

API = "/api/v1/namespaces/default"
Program = Callable[[Path, int], None]
Process = multiprocessing.context.ForkServerProcess
Wanted = int | None  # replicas of an agent; None = it is gone


@dataclass
class Storm:
    """Applies, scales and deletes agents, and remembers what was reported as done.

    possible: states an agent may be in; more than one after a write whose answer never came.
    """

    data: Path
    port: int
    seed: int
    spec: dict[str, Any]
    names: Sequence[str] = ("red", "green", "blue")
    possible: dict[str, set[Wanted]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.possible = {name: {None} for name in self.names}
        self.kills = 0

    def start(self, program: Program, seed: int) -> Process:
        """Start control as a process of its own, with everything imported already."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.fakes.crashing_control"])
        process = context.Process(target=program, args=(self.data, seed), daemon=True)
        process.start()
        return process

    def client(self) -> httpx.Client:
        token = (self.data / "run" / "first-token").read_text()
        headers = {"authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(  # plain HTTP: reading the system's roots would only cost time
            base_url=url, headers=headers, trust_env=False, verify=False, timeout=20
        )

    def serves(self, process: Process, seconds: float = 60) -> bool:
        """Wait until control answers; False when it died before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and process.is_alive():
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        assert not process.is_alive(), "control does not answer"
        return False

    def round(self, program: Program, seed: int, longest: float) -> None:
        """Start control, write a few times, kill it at a random moment."""
        process = self.start(program, seed)
        deadline = time.monotonic() + self.dice.uniform(0, longest)
        try:
            if self.serves(process):
                with self.client() as http:
                    self._settle(http)
                    deadline = time.monotonic() + self.dice.uniform(0, longest)
                    while time.monotonic() < deadline and process.is_alive():
                        self._write(http)
                        time.sleep(self.dice.uniform(0, longest / 4))
        except httpx.TransportError:
            pass  # it died while we spoke: what we asked for may have happened or not
        finally:
            process.kill()
            process.join()
            process.close()
            self.kills += 1

    def remove(self, http: httpx.Client, name: str) -> None:
        """Delete an agent with its data."""
        params = {"volumes": "true"}
        assert http.delete(f"{API}/agentworkloads/{name}", params=params).status_code == 200
        self.possible[name] = {None}

    def check(self, http: httpx.Client) -> dict[str, int]:
        """Return the replicas of every agent there is, each as reported, once all has settled."""
        self._settle(http)
        end = time.monotonic() + 90
        while time.monotonic() < end:
            items = http.get(f"{API}/agentworkloads").json()["items"]
            wanted = {i["metadata"]["name"]: i["spec"].get("replicas", 1) for i in items}
            if all(self._at_rest(item) for item in items):
                return wanted
            time.sleep(0.1)
        raise AssertionError(f"never at rest: {items}")

    def _at_rest(self, item: dict[str, Any]) -> bool:
        status = item["status"]
        if "deletionTimestamp" in item["metadata"]:
            return False
        wanted = item["spec"].get("replicas", 1)
        same = status.get("observedGeneration") == item["metadata"]["generation"]
        return bool(same and status.get("readyReplicas") == status.get("replicas") == wanted)

    def _settle(self, http: httpx.Client) -> None:
        """See what of the unanswered writes happened; nothing reported may be missing."""
        for name in self.names:
            answer = http.get(f"{API}/agentworkloads/{name}")
            state: Wanted = None
            if answer.status_code == 200 and "deletionTimestamp" not in answer.json()["metadata"]:
                state = answer.json()["spec"].get("replicas", 1)
            assert state in self.possible[name], (name, state, self.possible[name])
            self.possible[name] = {state}

    def _write(self, http: httpx.Client) -> None:
        name = self.dice.choice(self.names)
        wish: Wanted = self.dice.choice([None, 1, 2, 0])
        before = self.possible[name]
        self.possible[name] = before | {wish}
        if wish is None:
            params = {"volumes": "true"} if self.dice.random() < 0.5 else {}
            answer = http.delete(f"{API}/agentworkloads/{name}", params=params)
            done = answer.status_code in (200, 404)
        else:
            document = {
                "apiVersion": "pai.io/v1",
                "kind": "AgentWorkload",
                "metadata": {"name": name},
                "spec": {**self.spec, "replicas": wish},
            }
            answer = http.post(f"{API}/apply", json={"documents": [document]})
            done = answer.status_code == 200
            assert done or answer.status_code == 409, answer.text  # 409: is being deleted
        self.possible[name] = {wish} if done else before
