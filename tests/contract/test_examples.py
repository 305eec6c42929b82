"""The examples without Pai around them: the agent, the scripted model server, the notes service."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from scripts.demonstration.certificates import issue

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KEY, TOKEN = "the-servers-own-key", "the-notes-token"
TEXT = "Keys are what strangers want. Keys which nobody holds can't be taken. <b>So be it.</b>"


class World(NamedTuple):
    llm: str
    notes: str
    agent: str
    ca: Path
    reports: Path


def free_ports(count: int) -> list[str]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports


def wait_for(process: "subprocess.Popen[bytes]", log: Path, words: str) -> None:
    for _ in range(300):
        if words in log.read_text():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("examples")
    issue("localhost", place)
    (place / "llm").write_text(KEY)
    (place / "token").write_text(TOKEN)
    llm, notes, agent = free_ports(3)
    tls = ["--certificate", str(place / "server.pem"), "--key", str(place / "server.key")]
    outside = [
        "--address",
        "127.0.0.1",
        "--port",
        notes,
        *tls,
        "--token-file",
        str(place / "token"),
    ]
    built = World(
        f"http://127.0.0.1:{llm}/v1",
        f"https://localhost:{notes}",
        f"http://127.0.0.1:{agent}",
        place / "ca.pem",
        place / "reports",
    )
    env = {
        **os.environ,
        "PORT": agent,
        "REPORTS_DIR": str(built.reports),
        "OPENAI_BASE_URL": built.llm,
        "OPENAI_API_KEY": KEY,
        "NOTES_URL": built.notes,
        "NOTES_TOKEN": TOKEN,
        "SSL_CERT_FILE": str(built.ca),
        "PYTHONPATH": str(EXAMPLES / "quickstart" / "agent"),
    }
    programs = {
        "scripted model server on": [
            str(EXAMPLES / "scripted_llm" / "server.py"),
            *("--port", llm, "--key-file", str(place / "llm")),
        ],
        "notes service on": [str(EXAMPLES / "outside_service" / "server.py"), *outside],
        "listening on": ["-m", "quickstart_agent"],
    }
    processes = []
    for index, (words, command) in enumerate(programs.items()):
        log = place / f"{index}.log"
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, *command], stdout=output, env=env)
        processes.append(process)
        wait_for(process, log, words)
    yield built
    for process in processes:
        process.terminate()
        process.wait(10)


def client(world: World, key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=world.llm, api_key=key, max_retries=0)


def test_the_sdk_talks_to_the_scripted_server(world: World) -> None:
    with client(world) as sdk:
        assert [model.id for model in sdk.models.list()] == ["scripted-1"]
        messages: Any = [{"role": "user", "content": TEXT}]
        plain = sdk.chat.completions.create(model="x", messages=messages)
        assert "scripted" in str(plain.choices[0].message.content)
        assert plain.usage and plain.usage.total_tokens > 20
        parts, last = [], None
        with sdk.chat.completions.create(
            model="x", messages=messages, stream=True, stream_options={"include_usage": True}
        ) as stream:
            for chunk in stream:
                parts += [choice.delta.content or "" for choice in chunk.choices]
                last = chunk
        assert "".join(parts) == plain.choices[0].message.content
        assert last and last.usage and last.usage.total_tokens == plain.usage.total_tokens


def test_the_scripted_server_wants_its_key(world: World) -> None:
    with client(world, "another") as sdk, pytest.raises(openai.AuthenticationError):
        sdk.models.list()


def notes_call(world: World, method: str, path: str, token: str, body: bytes | None = None) -> int:
    context = ssl.create_default_context(cafile=str(world.ca))
    headers = {"authorization": f"Bearer {token}"}
    request = urllib.request.Request(world.notes + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def test_the_notes_service_wants_its_token(world: World) -> None:
    assert notes_call(world, "GET", "/notes", TOKEN) == 200
    assert notes_call(world, "GET", "/notes", "dummy") == 401
    assert notes_call(world, "POST", "/notes", "dummy", b"{}") == 401
    assert notes_call(world, "DELETE", "/notes/1", "dummy") == 401
    assert notes_call(world, "POST", "/notes", TOKEN, b"[]") == 400
    assert notes_call(world, "DELETE", "/notes/x", TOKEN) == 404


def get(url: str, data: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, data, timeout=30) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code), error.read().decode()


def test_the_agent_writes_a_report(world: World) -> None:
    status, body = get(world.agent, TEXT.encode())
    assert status == 201
    done = json.loads(body)
    assert done["model"] == "scripted-1" and done["tokens"] > 50
    assert [step.split()[0] for step in done["steps"]] == ["asked", "kept", "had", "removed"]
    status, page = get(world.agent + done["path"])
    assert status == 200
    assert "&lt;b&gt;So be it.&lt;/b&gt;" in page and "<b>" not in page
    assert KEY not in page and TOKEN not in page
    assert (world.reports / f"{done['id']}.html").read_text() == page
    assert done["path"] in get(world.agent)[1]


@pytest.mark.parametrize("path", ["/reports/00000000", "/reports/../../x", "/etc/passwd", "/x?y"])
def test_the_agent_serves_its_reports_only(world: World, path: str) -> None:
    assert get(world.agent + path)[0] == 404


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b" \n ", 400), (b"x" * 65537, 413)])
def test_the_agent_refuses_what_is_no_text(world: World, body: bytes, status: int) -> None:
    assert get(world.agent, body)[0] == status
