"""One YAML file becomes a running agent without keys; an unchanged SDK works in it."""

import json
import socket
import time

import pytest
from tests.e2e.stage.installation import Platform

pytestmark = pytest.mark.engine

CHAT = """
import json, openai
client = openai.OpenAI()
answer = client.chat.completions.create(
    model="gpt", messages=[{"role": "user", "content": "words=7"}], max_tokens=50)
print(json.dumps({"text": answer.choices[0].message.content, "usage": answer.usage.model_dump()}))
"""

STREAM = """
import json, openai
client = openai.OpenAI()
parts = []
for chunk in client.chat.completions.create(
    model="default", messages=[{"role": "user", "content": "words=9"}], stream=True):
    assert chunk.usage is None, "usage was not asked for"
    parts.append(chunk.choices[0].delta.content or "")
print("".join(parts).split())
"""

VENDOR_URL = """
import json, openai
client = openai.OpenAI(base_url="https://api.openai.com/v1")
answer = client.chat.completions.create(
    model="gpt-test", messages=[{"role": "user", "content": "words=3"}])
print(answer.choices[0].message.content)
print([model.id for model in client.models.list()])
"""

ERRORS = """
import openai
client = openai.OpenAI()
try:
    client.chat.completions.create(model="nope", messages=[{"role": "user", "content": "hi"}])
except openai.NotFoundError as error:
    print("not found:", error.code)
try:
    openai.OpenAI(base_url="https://evil.test/v1", max_retries=0).models.list()
except openai.APIConnectionError as error:
    print("refused")
"""

NOTES = """
import os, json, urllib.request
def call(path, body=None, **headers):
    request = urllib.request.Request("https://api.notes.test" + path, data=body, headers={
        "authorization": "Bearer " + os.environ["NOTES_TOKEN"], **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
print(json.dumps([call("/notes", b"from the agent"), call("/notes"), call("/private/x")]))
"""


def test_the_unchanged_sdk_chats(platform: Platform, probe: str) -> None:
    before = platform.world.billed()
    answer = json.loads(platform.run_in(probe, CHAT))
    assert answer["text"].split() == [f"w{i}" for i in range(7)]
    assert platform.world.billed() - before == answer["usage"]["total_tokens"]


def test_the_unchanged_sdk_streams(platform: Platform, probe: str) -> None:
    assert platform.run_in(probe, STREAM).strip() == str([f"w{i}" for i in range(9)])


def test_a_hard_coded_vendor_url_works_and_is_metered(platform: Platform, probe: str) -> None:
    before = platform.world.billed()
    printed = platform.run_in(probe, VENDOR_URL)
    assert printed.splitlines()[0] == "w0 w1 w2", printed
    assert "gpt" in printed.splitlines()[1]
    assert platform.world.billed() > before


def test_errors_arrive_as_the_sdk_s_own_classes(platform: Platform, probe: str) -> None:
    printed = platform.run_in(probe, ERRORS)
    assert printed.splitlines() == ["not found: model_not_found", "refused"], printed


def test_tokens_are_counted_as_the_vendor_counts(platform: Platform, probe: str) -> None:
    shown = settled_tokens(platform, probe)
    before = platform.world.billed()
    platform.run_in(probe, CHAT)
    billed = platform.world.billed() - before
    assert billed > 0
    assert settled_tokens(platform, probe, shown) == shown + billed


def settled_tokens(platform: Platform, name: str, beyond: int = -1) -> int:
    """Return the agent's tokens of today, more than `beyond`, once nothing runs any more."""

    def used() -> int:
        return int(platform.status(name)["status"].get("tokensToday", 0))

    platform.until(lambda: used() > beyond or None, "the ledger to hear of it", 20)
    time.sleep(1.5)  # the gateway settles once a second
    return used()


def test_a_provider_gets_the_real_token_and_rules_hold(platform: Platform, probe: str) -> None:
    posted, listed, private = json.loads(platform.run_in(probe, NOTES))
    assert posted[0] == 201
    assert listed[0] == 200
    assert "from the agent" in listed[1]
    assert private[0] == 403
    denied = json.loads(private[1])["error"]
    assert denied["code"] == "policy_denied"
    assert denied["provider"] == "notes"
    assert wait_for_audit(platform, probe, "denied", "/private/x")
    assert wait_for_audit(platform, probe, "allowed", "/notes")


def wait_for_audit(platform: Platform, name: str, decision: str, path: str) -> bool:
    """Say whether the decision shows in the audit within a few seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for record in platform.audit(name):
            if record["decision"] == decision and record.get("path") == path:
                return True
        time.sleep(0.3)
    return False


def test_the_keys_in_the_agent_are_dummies_of_the_right_shape(
    platform: Platform, probe: str
) -> None:
    env = json.loads(platform.run_in(probe, "import os, json; print(json.dumps(dict(os.environ)))"))
    assert env["OPENAI_API_KEY"].startswith("sk-")
    assert env["OPENAI_BASE_URL"] == "http://127.0.0.1:8000/v1"
    assert env["NOTES_TOKEN"] != platform.world.notes_key
    assert env["PAI_AGENT"] == probe
    assert env["PAI_MODEL"] == "gpt"


def test_server_sent_events_are_not_buffered(platform: Platform, probe: str) -> None:
    url = platform.url(probe)
    host = url.split("//")[1].rstrip("/")
    with socket.create_connection(("127.0.0.1", platform.ports["edge"]), 10) as edge:
        edge.sendall(f"GET /events HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        received = b""
        arrivals = []
        while received.count(b"data:") < 3:
            part = edge.recv(65536)
            assert part, received
            received += part
            arrivals.append(received.count(b"data:"))
    assert 1 in arrivals
    assert 2 in arrivals


def test_websockets_pass(platform: Platform, probe: str) -> None:
    from websockets.sync.client import connect

    host = platform.url(probe).split("//")[1].rstrip("/")
    raw = socket.create_connection(("127.0.0.1", platform.ports["edge"]), 10)
    with connect(f"ws://{host}/socket", sock=raw) as connection:
        connection.send("over the edge")
        assert connection.recv(10) == "over the edge"


def test_the_agent_s_own_port_answers_too(platform: Platform, probe: str) -> None:
    address = platform.status(probe)["status"]["publicAddress"]
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as direct:
        direct.sendall(b"GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert direct.recv(100).startswith(b"HTTP/1.1 200")


def test_exec_and_logs(platform: Platform, probe: str) -> None:
    done = platform.pai("exec", probe, "--", "sh", "-c", "id -u; exit 7", check=False)
    assert done.returncode == 7
    assert done.stdout.strip() == "65532"
    assert "probe: up as 65532" in platform.pai("logs", probe).stdout


ATTACK_SURFACE = r"""
import json, os
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock")
status = open("/proc/self/status").read()
facts = {line.split(":")[0]: line.split(":")[1].strip() for line in status.splitlines()}
mounts = [line.split()[1:4] for line in open("/proc/mounts")]
print(json.dumps({
    "caps": [facts[k] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privs": facts["NoNewPrivs"], "seccomp": facts["Seccomp"], "uid": os.getuid(),
    "run_pai": [m for m in mounts if m[0] == "/run/pai"],
    "sockets": [p for p in SOCKETS if os.path.exists(p)],
    "interfaces": sorted(os.listdir("/sys/class/net")),
}))
"""


def test_the_agent_has_no_privileges(platform: Platform, probe: str) -> None:
    facts = json.loads(platform.run_in(probe, ATTACK_SURFACE))
    assert {int(caps, 16) for caps in facts["caps"]} == {0}
    assert facts["no_new_privs"] == "1"
    assert facts["seccomp"] == "2"
    assert facts["uid"] == 65532
    assert facts["run_pai"][0][2].split(",")[0] == "ro"
    assert facts["sockets"] == []


def test_a_config_file_survives_with_the_agent_s_edits(platform: Platform, probe: str) -> None:
    edit = "open('/home/probe/probe.py', 'a').write('\\n# edited by the agent\\n')"
    assert platform.run_in(probe, edit) == ""
    platform.pai("restart", probe, "--wait")
    platform.wait_for_phase(probe, "Running")
    text = platform.run_in(probe, "print(open('/home/probe/probe.py').read()[-40:])")
    assert "# edited by the agent" in text


NEW_SECRET = """
apiVersion: pai.io/v1
kind: Secret
metadata: {{name: notes-key}}
stringData: {{token: {}}}
"""


def test_rotation_reaches_the_sidecar_within_five_seconds(platform: Platform, probe: str) -> None:
    world = platform.world
    platform.apply(NEW_SECRET.format("rotated-and-therefore-wrong"))
    seen = wait_for_status(platform, probe, 401, 5)
    platform.apply(NEW_SECRET.format(world.notes_key))
    back = wait_for_status(platform, probe, 201, 5)
    assert (seen, back) == (True, True)


def wait_for_status(platform: Platform, name: str, status: int, seconds: float) -> bool:
    """Say whether posting a note gives `status` within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if json.loads(platform.run_in(name, NOTES))[0][0] == status:
            return True
        time.sleep(0.2)
    return False
