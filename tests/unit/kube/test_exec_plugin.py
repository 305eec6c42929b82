"""Credentials of a program that a kubeconfig names."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from lightkube.config.models import Cluster, NameValue, UserExec

from pai.kube.errors import KubeConfigError
from pai.kube.exec_plugin import ExecPlugin

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
# Gives token-1, token-2, ...; each lasts an hour of the test's own clock.
PROGRAM = """
import json, os, pathlib, sys
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert info["kind"] == "ExecCredential" and info["spec"]["cluster"]["server"] == "https://there"
count = pathlib.Path(os.environ["COUNT"])
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
status = {"token": f"token-{number}", "expirationTimestamp": "2026-05-01T13:00:00Z"}
print(json.dumps({"kind": "ExecCredential", "status": status}))
"""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def plugin(tmp_path: Path, program: str, now: Clock) -> ExecPlugin:
    wish = UserExec(
        apiVersion="client.authentication.k8s.io/v1",
        command=sys.executable,
        args=["-c", program],
        env=[NameValue("COUNT", str(tmp_path / "count"))],
    )
    return ExecPlugin(wish, Cluster(server="https://there"), now)


def client(auth: ExecPlugin, refused: set[str], seen: list[str]) -> httpx2.AsyncClient:
    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(401 if seen[-1] in refused else 200)

    return httpx2.AsyncClient(auth=auth, transport=httpx2.MockTransport(answer))


async def test_a_token_is_kept_until_it_ends_or_is_refused(tmp_path: Path) -> None:
    now, seen, refused = Clock(), list[str](), set[str]()
    async with client(plugin(tmp_path, PROGRAM, now), refused, seen) as http:
        for _ in range(3):
            await http.get("https://there/")
        assert seen == ["Bearer token-1"] * 3
        refused.add("Bearer token-1")
        assert (await http.get("https://there/")).status_code == 200
        assert seen[3:] == ["Bearer token-1", "Bearer token-2"]
        now.now += timedelta(minutes=59, seconds=45)
        await http.get("https://there/")
        assert seen[-1] == "Bearer token-3"


@pytest.mark.parametrize(
    ("program", "needle"),
    [
        ("import sys; sys.exit('log in first')", "ended with 1: log in first"),
        ("print('no json')", "printed no credential"),
        ("print('{\"status\": {}}')", "gave no token"),
    ],
)
async def test_a_program_that_gives_nothing_is_told(
    tmp_path: Path, program: str, needle: str
) -> None:
    async with client(plugin(tmp_path, program, Clock()), set(), []) as http:
        with pytest.raises(KubeConfigError, match=needle):
            await http.get("https://there/")


async def test_a_program_that_is_missing_is_told() -> None:
    wish = UserExec(
        apiVersion="client.authentication.k8s.io/v1",
        command="no-such-plugin",
        installHint="see there",
    )
    async with client(ExecPlugin(wish, Cluster(), Clock()), set(), []) as http:
        with pytest.raises(KubeConfigError) as caught:
            await http.get("https://there/")
    assert caught.value.hint == "see there"
