"""Logs of pods, and commands in them, by `pai.kube`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from tests.cluster.stage.cluster import Cluster

from pai.kube import ExecSession, Kube, KubeRefusedError, KubeUnavailableError


@pytest.fixture
async def pod(cluster: Cluster) -> AsyncIterator[Kube]:
    """A client, and a running pod `shell` in the default namespace."""
    script = "import time; print('hello'); print('there', flush=True); time.sleep(3600)"
    container = {
        "name": "main",
        "image": "localhost/pai:latest",
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", script],
    }
    metadata = {"name": "shell", "namespace": "default"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    cluster.kubectl("wait", "--for=condition=Ready", "pod/shell", "--timeout=60s")
    made = Kube.from_kubeconfig(cluster.kubeconfig)
    yield made
    await made.close()
    cluster.kubectl("delete", "pod", "shell", "--wait=false")


async def output(session: ExecSession) -> dict[str, bytes]:
    found = {"stdout": b"", "stderr": b""}
    async with asyncio.timeout(20):
        while (part := await session.read()) is not None:
            found[part.channel] += part.data
    return found


async def test_logs_and_commands(pod: Kube) -> None:
    told = [chunk async for chunk in pod.logs("default", "shell", "main")]
    assert b"".join(told) == b"hello\nthere\n"
    assert b"".join([c async for c in pod.logs("default", "shell", "main", tail=1)]) == b"there\n"
    async with aclosing(pod.logs("default", "shell", "main", follow=True)) as following:
        async with asyncio.timeout(10):
            assert b"hello" in await anext(following)
    with pytest.raises(KubeRefusedError) as caught:
        await anext(pod.logs("default", "no-such-pod", "main"))
    assert caught.value.status == 404

    script = "import sys; print(sys.stdin.read()[::-1]); print('e', file=sys.stderr); sys.exit(7)"
    session = await pod.exec("default", "shell", "main", ["python3", "-c", script])
    big = bytes(range(97, 123)) * 8000
    await session.write(big)
    await session.close_stdin()
    assert await output(session) == {"stdout": big[::-1] + b"\n", "stderr": b"e\n"}
    assert await session.exit_code() == 7
    await session.close()

    session = await pod.exec("default", "shell", "main", ["true"])
    assert await output(session) == {"stdout": b"", "stderr": b""}
    assert await session.exit_code() == 0
    await session.close()


async def test_a_terminal_has_a_size(pod: Kube) -> None:
    script = "import os, sys; sys.stdin.readline(); print(os.get_terminal_size())"
    session = await pod.exec("default", "shell", "main", ["python3", "-c", script], tty=True)
    await session.resize(33, 101)
    await asyncio.sleep(0.5)
    await session.write(b"\n")
    assert b"columns=101, lines=33" in (await output(session))["stdout"]
    assert await session.exit_code() == 0
    await session.close()


async def test_commands_that_can_not_run_are_told(pod: Kube) -> None:
    session = await pod.exec("default", "shell", "main", ["/no/such/program"])
    await output(session)
    with pytest.raises(KubeRefusedError, match="no such file"):
        await session.exit_code()
    await session.close()
    with pytest.raises(KubeRefusedError) as caught:
        await pod.exec("default", "no-such-pod", "main", ["true"])
    assert caught.value.status == 404
    session = await pod.exec("default", "shell", "main", ["sleep", "3600"])
    await session.close()  # from another task than the one that would read
    with pytest.raises(KubeUnavailableError):
        await session.exit_code()
