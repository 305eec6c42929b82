"""Every row of the fault table: one clear error, an exit code, and nothing changed."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.stage.faults import agent, containers, errors_of, resources, the_error
from tests.e2e.stage.installation import AGENT_IMAGE, Platform, free_ports

pytestmark = pytest.mark.engine

MODEL = """
apiVersion: pai.io/v1
kind: ModelBinding
metadata: {{name: {name}}}
spec:
  provider: openai
  model: gpt-test
  endpoint: http://llm.test:8001/v1
  apiKeySecretRef: {{name: llm-key}}
"""


@pytest.fixture
def unchanged(platform: Platform) -> Iterator[Platform]:
    """A platform that must be the same after the test: resources and containers."""
    before = resources(platform), containers(platform)
    yield platform
    assert (resources(platform), containers(platform)) == before


BAD_DOCUMENTS = {
    "not YAML": ("kind: [AgentWorkload\nmetadata: x\n", "stdin:2", ""),
    "unknown field": (agent("bad", "  modelBinding: [gpt]\n"), "modelBinding", "modelBindings"),
    "unknown kind": (agent("bad").replace("AgentWorkload", "AgentWorklod"), "kind", "AgentWorkloa"),
    "root": (agent("bad", "  runAsUser: 0\n"), "spec.runAsUser", ""),
    "no image": (agent("bad").replace(f"image: {AGENT_IMAGE}", "replicas: 1"), "spec.image", ""),
}


@pytest.mark.parametrize("case", BAD_DOCUMENTS)
def test_a_bad_document_is_refused(unchanged: Platform, case: str) -> None:
    text, place, hint = BAD_DOCUMENTS[case]
    error, said = the_error(unchanged.apply(text, check=False))
    assert place in error
    assert "stdin:" in error
    assert hint in said


def test_all_faults_of_all_documents_are_told_at_once(unchanged: Platform, tmp_path: Path) -> None:
    texts = [
        agent("good"),
        agent("Bad_Name", "  runAsUser: 0\n"),
        MODEL.format(name="model").replace("provider: openai", "provider: opnai"),
        agent("deaf", "  inbound: {port: 70000}\n"),
    ]
    file = tmp_path / "all.yaml"
    text = "---\n".join(texts)
    file.write_text(text)
    errors = errors_of(unchanged.pai("apply", "-f", str(file), check=False))
    for part in ("metadata.name", "spec.runAsUser", "spec.provider", "spec.inbound.port"):
        [line] = [error for error in errors if part in error]
        number = int(line.split(":")[2])
        assert line.startswith(f"error: {file}:{number}: "), line
        last = part.rpartition(".")[2]
        assert last in text.splitlines()[number - 1], line
    assert len(errors) == 4


def test_a_create_of_what_exists_is_refused_as_a_whole(unchanged: Platform) -> None:
    both = MODEL.format(name="fresh") + "---\n" + MODEL.format(name="gpt")
    error, _ = the_error(unchanged.pai("create", "-f", "-", stdin=both, check=False))
    assert "gpt" in error
    assert "exists" in error


@pytest.mark.parametrize(
    "command",
    [
        ("delete", "agent", "nobody"),
        ("status", "nobody"),
        ("logs", "nobody"),
        ("exec", "nobody", "--", "true"),
        ("restart", "nobody"),
        ("apply", "-f", "/nowhere.yaml"),
    ],
    ids=lambda command: command[0],
)
def test_what_is_not_there_is_named(unchanged: Platform, command: tuple[str, ...]) -> None:
    error, _ = the_error(unchanged.pai(*command, check=False))
    assert "nobody" in error or "nowhere" in error


def test_wrong_usage_is_exit_code_two(unchanged: Platform) -> None:
    done = unchanged.pai("delete", "agnt", "nobody", check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_missing_reference_is_waited_for(platform: Platform) -> None:
    platform.apply(agent("early", "  modelBindings: [later]\n"))
    try:
        shown = platform.wait_for_phase("early", "Pending")
        assert "'later'" in shown["status"]["message"]
        reasons = {c["type"]: c["reason"] for c in shown["status"]["conditions"]}
        assert reasons["Accepted"] == "RefNotFound"
        assert "pai add model" in platform.pai("status", "early").stdout
        error, hint = the_error(
            platform.pai(
                "apply",
                "-f",
                "-",
                "--wait",
                "--timeout",
                "2",
                check=False,
                stdin=agent("early", "  modelBindings: [later]\n"),
            )
        )
        assert "'later'" in error
        assert hint == "pai status early"
        platform.apply(MODEL.format(name="later"))
        platform.wait_for_phase("early", "Running")
    finally:
        platform.pai("delete", "agent", "early", "--wait")
        platform.pai("delete", "model", "later", check=False)


# An address of this machine at which nothing listens: a registry that can't be reached.
NO_SUCH_IMAGE = "127.0.0.1:9/nothing/here:1"


def test_an_image_that_can_not_be_pulled(platform: Platform) -> None:
    platform.apply(agent("imageless", image=NO_SUCH_IMAGE))
    try:
        shown = wait_for_reason(platform, "imageless", "ImagePullFailed")
        assert shown["phase"] in ("Pending", "Failed")
        assert NO_SUCH_IMAGE in shown["message"]
        assert "refused" in shown["message"]
        assert "Check the name of spec.image" in platform.pai("status", "imageless").stdout
        done = platform.pai(
            "apply",
            "-f",
            "-",
            "--wait",
            "--timeout",
            "20",
            check=False,
            stdin=agent("imageless", image=NO_SUCH_IMAGE),
        )
        error, hint = the_error(done)
        assert NO_SUCH_IMAGE in error
        assert hint == "pai status imageless"
    finally:
        platform.pai("delete", "agent", "imageless", "--wait")
    assert not any("imageless" in name for name in containers(platform))


CRASHES = "  command: [python3, -c, 'import nothing_of_that_name']\n"


def test_an_image_without_what_the_command_needs(platform: Platform) -> None:
    platform.apply(agent("lacking", CRASHES))
    try:
        shown = wait_for_reason(platform, "lacking", "Exited")
        assert shown["phase"] == "Failed"
        assert "code 1" in shown["message"]
        assert "No module named 'nothing_of_that_name'" in shown["message"]
        assert "nothing_of_that_name" in platform.pai("status", "lacking").stdout
    finally:
        platform.pai("delete", "agent", "lacking", "--wait")


def test_a_command_that_is_not_in_the_image(platform: Platform) -> None:
    platform.apply(agent("commandless", "  command: [/no/such/program]\n"))
    try:
        shown = wait_for_reason(platform, "commandless", "StartRefused")
        assert shown["phase"] == "Failed"
        assert "/no/such/program" in shown["message"]
    finally:
        platform.pai("delete", "agent", "commandless", "--wait")


EATS = """  command: [python3, -c, 'x = b"x" * (300 << 20); print(len(x))']
  resources: {limits: {memory: 48Mi}}
"""


def test_a_kill_for_want_of_memory_is_told_with_the_limit(platform: Platform) -> None:
    platform.apply(agent("hungry", EATS))
    try:
        shown = wait_for_reason(platform, "hungry", "OOMKilled", "Exited")
        assert "memory limit of 48Mi" in shown["message"]
        said = platform.pai("status", "hungry").stdout
        assert "memory limit of 48Mi" in said
        if platform.engine == "docker":  # Podman does not always know why it was killed
            assert "Raise spec.resources.limits.memory" in said
    finally:
        platform.pai("delete", "agent", "hungry", "--wait")


def wait_for_reason(platform: Platform, name: str, *reasons: str) -> dict[str, Any]:
    """Wait until the Ready condition has one of these reasons; return the status."""

    def seen() -> dict[str, Any] | None:
        status: dict[str, Any] = platform.status(name)["status"]
        conditions = status.get("conditions", [])  # none before control's first look
        assert isinstance(conditions, list)
        found = [c for c in conditions if c["type"] == "Ready" and c["reason"] in reasons]
        return status if found else None

    return platform.until(seen, f"{name} is {' or '.join(reasons)}")


def test_a_second_up_says_where_it_runs(unchanged: Platform) -> None:
    done = unchanged.pai("up", "-d")
    assert "is running since" in done.stdout
    assert str(unchanged.ports["api"]) in done.stdout
    [port] = free_ports(1)
    error, hint = the_error(unchanged.pai("up", "-d", "--edge-port", str(port), check=False))
    assert "edgePort" in error
    assert "pai down" in hint


@pytest.mark.parametrize("name", ["api", "gateway", "edge"])
def test_a_port_that_is_taken(unchanged: Platform, tmp_path: Path, name: str) -> None:
    second = Platform(tmp_path, unchanged.engine, unchanged.engine_url, unchanged.world)
    second.write_settings()
    with socket.create_server(("127.0.0.1", second.ports[name])):
        error, hint = the_error(second.pai("up", "-d", check=False))
    assert str(second.ports[name]) in error
    assert f"{name}Port" in error
    assert f"--{name}-port" in hint
    assert second.processes() == {}


def test_no_engine_at_all(unchanged: Platform, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/none.sock"
    second = Platform(tmp_path, unchanged.engine, nowhere, unchanged.world)
    second.write_settings()
    error, hint = the_error(second.pai("up", "-d", check=False))
    assert f"{tmp_path}/none.sock" in error
    assert hint
    assert second.processes() == {}


@pytest.mark.parametrize(
    "command",
    [("list",), ("apply", "-f", "-"), ("delete", "agent", "x", "--wait"), ("list", "--watch")],
    ids=" ".join,
)
def test_a_wrong_token(unchanged: Platform, tmp_path: Path, command: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    text = (unchanged.home / "config.json").read_text()
    token = text.partition("pai_tok_")[2].partition('"')[0]
    (home / "config.json").write_text(text.replace(token, "0" * len(token)))
    (home / "config.json").chmod(0o600)
    stranger = Platform(home, unchanged.engine, unchanged.engine_url, unchanged.world)
    error, hint = the_error(stranger.pai(*command, stdin=agent("x"), check=False))
    assert error == "the token is missing or not valid"
    assert hint == "pai login HOST"


@pytest.mark.parametrize(
    "command",
    [("list",), ("apply", "-f", "-"), ("delete", "agent", "x", "--wait"), ("list", "--watch")],
    ids=" ".join,
)
def test_no_platform_running(unchanged: Platform, tmp_path: Path, command: tuple[str, ...]) -> None:
    [port] = free_ports(1)
    shutil.copy(unchanged.home / "config.json", tmp_path / "config.json")
    config = tmp_path / "config.json"
    text = config.read_text().replace(f":{unchanged.ports['api']}", f":{port}")
    config.write_text(text.replace(str(unchanged.data), str(tmp_path / "nothing")))
    nobody = Platform(tmp_path, unchanged.engine, unchanged.engine_url, unchanged.world)
    error, hint = the_error(nobody.pai(*command, stdin=agent("x"), check=False))
    assert f"127.0.0.1:{port} does not answer" in error
    assert "pai up" in hint
