import json

from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

AGENT = {"kind": "AgentWorkload", "metadata": {"name": "a"}, "spec": {"image": "i"}, "status": {}}
SECRET = {"kind": "Secret", "metadata": {"name": "s"}, "keys": [{"name": "token"}]}


def test_list_in_every_shape(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", AGENT)
    assert pai("list").out.splitlines()[1].split() == ["a", "Creating", "0/1", "0", "-"]
    assert json.loads(pai("list", "-o", "json").out)["items"] == [AGENT]
    assert pai("list", "-o", "name").out == "agentworkload/a\n"
    assert "name: a" in pai("list", "-o", "YAML").out


def test_get_secrets_has_its_published_columns(pai: Pai, control: FakeControl) -> None:
    control.put("secrets", SECRET)
    lines = pai("get", "secrets").out.splitlines()
    assert lines[0].split() == ["NAME", "KEYS", "AGE"]
    assert lines[1].split() == ["s", "token", "-"]
    assert pai("get", "secret", "s", "-o", "name").out == "secret/s\n"


def test_status_and_describe(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", AGENT)
    control.put("secrets", SECRET)
    assert "Phase:     Creating" in pai("status", "a").out
    assert json.loads(pai("status", "a", "-o", "json").out)["object"] == AGENT
    assert pai("status", "a", "-o", "name").out == "agentworkload/a\n"
    assert "image: i" in pai("describe", "agent", "a").out
    assert pai("describe", "secret", "s").out.endswith("KEY     AGE\ntoken   -\n")
    assert json.loads(pai("describe", "secret", "s", "-o", "json").out) == SECRET


def test_watch_shows_every_state(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", AGENT)
    changed = {**AGENT, "status": {"phase": "Running"}}
    control.events = [{"type": "MODIFIED", "object": changed}]
    path = "/api/v1/namespaces/default/agentworkloads"

    def refuse() -> None:
        control.answers["GET", path] = (403, {"error": {"code": "stop", "message": "enough"}})

    control.after_watch = refuse
    done = pai("list", "--watch")
    shown = done.out.split("NAME")
    assert "Creating" in shown[1]
    assert "Running" in shown[2]
    assert (done.code, done.err) == (1, "error: enough\n")
