from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

AGENT = {"kind": "AgentWorkload", "metadata": {"name": "a"}, "spec": {}, "status": {}}
PATH = "/api/v1/namespaces/default/agentworkloads/a"


def test_logs_are_passed_through_a_pipe_as_they_are(pai: Pai, control: FakeControl) -> None:
    control.answers["GET", f"{PATH}/logs"] = (200, "one\n\x1b[31mtwo\x1b[0m\n")
    done = pai("logs", "a", "-f", "--tail", "5", "--replica", "2", "--container", "sidecar")
    assert done.out == "one\n\x1b[31mtwo\x1b[0m\n"
    wanted = {"container": "sidecar", "replica": "2", "follow": "true", "tail": "5"}
    assert control.queries[-1] == {name: [value] for name, value in wanted.items()}


def test_logs_of_nothing_is_an_error(pai: Pai, control: FakeControl) -> None:
    error = {"error": {"code": "not_found", "message": "a: no replica 7"}}
    control.answers["GET", f"{PATH}/logs"] = (404, error)
    done = pai("logs", "a", "--replica", "7")
    assert (done.code, done.err) == (1, "error: a: no replica 7\n")


def test_actions(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", AGENT)
    for action, done in (("restart", "restarted"), ("pause", "paused"), ("resume", "resumed")):
        assert pai(action, "a").out == f"agentworkload/a {done}\n"
        assert control.calls[-1][:2] == ("POST", f"{PATH}/{action}")
