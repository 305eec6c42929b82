from pathlib import Path

import pytest
from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

TWO = """
apiVersion: pai.io/v1
kind: Secret
metadata: {name: s}
stringData: {token: canary-value}
---
apiVersion: pai.io/v1
kind: ModelBinding
metadata: {name: m}
spec: {provider: openai, model: gpt, apiKeySecretRef: {name: s}}
"""
BROKEN = """\
apiVersion: pai.io/v1
kind: ModelBinding
metadata: {name: m}
spec:
  provider: opnai
  modell: gpt
---
apiVersion: pai.io/v1
kind: AgentWorkload
metadata: {name: a}
spec:
  image: i
  runAsUser: 0
"""


def test_apply_reports_each_document(pai: Pai, control: FakeControl, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(TWO)
    assert pai("apply", "-f", str(file)).out == "secret/s created\nmodelbinding/m created\n"
    done = pai("apply", "-f", str(file), "-o", "name")
    assert done.out == "secret/s\nmodelbinding/m\n"
    assert "canary-value" not in done.out + done.err


def test_a_directory_is_read_in_order(pai: Pai, control: FakeControl, tmp_path: Path) -> None:
    secret, model = TWO.split("---")
    (tmp_path / "2.yml").write_text(model)
    (tmp_path / "1.yaml").write_text(secret)
    (tmp_path / "notes.txt").write_text("not YAML: [")
    assert pai("apply", "-f", str(tmp_path)).out == "secret/s created\nmodelbinding/m created\n"


def test_an_empty_directory_is_an_error(pai: Pai, control: FakeControl, tmp_path: Path) -> None:
    done = pai("apply", "-f", str(tmp_path))
    assert done.code == 1
    assert "no .yaml, .yml, .json file in this directory" in done.err


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n"])
def test_no_document_is_an_error(text: str, pai: Pai, control: FakeControl) -> None:
    done = pai("apply", "-f", "-", stdin=text)
    assert (done.code, done.err) == (1, "error: -: no document in it\n")


def test_all_faults_are_told_with_file_and_line(
    pai: Pai, control: FakeControl, tmp_path: Path
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    done = pai("apply", "-f", str(file))
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.code == 1
    assert len(errors) >= 3
    assert any(f"{file}:5: spec.provider" in line for line in errors)
    assert any(f"{file}:6: spec.modell" in line for line in errors)
    assert any(f"{file}:13: spec.runAsUser" in line for line in errors)
    assert control.calls == []  # nothing was sent


def test_faults_only_the_platform_finds_name_the_document(pai: Pai, control: FakeControl) -> None:
    fault = {"document": 1, "path": "spec.model", "message": "is taken", "hint": "another"}
    error = {"code": "invalid", "message": "1 fault", "faults": [fault]}
    control.answers["POST", "/api/v1/namespaces/default/apply"] = (400, {"error": error})
    done = pai("apply", "-f", "-", stdin=TWO)
    assert done.code == 1
    assert done.err == "error: modelbinding/m: spec.model: is taken\nhint:  another\n"


def test_warnings_go_to_standard_error(pai: Pai, control: FakeControl) -> None:
    result = {"kind": "Secret", "name": "s", "result": "configured", "warnings": ["look here"]}
    answer = (200, {"results": [result]})
    control.answers["POST", "/api/v1/namespaces/default/apply"] = answer
    done = pai("apply", "-f", "-", stdin=TWO)
    assert (done.code, done.out) == (0, "secret/s configured\n")
    assert done.err == "warning: secret/s: look here\n"


def test_create_and_dry_run_are_told_to_the_platform(pai: Pai, control: FakeControl) -> None:
    pai("create", "-f", "-", "--dry-run", stdin=TWO)
    pai("apply", "-f", "-", stdin=TWO)
    sent = [(body["create"], body["dryRun"]) for body in control.bodies("/apply")]
    assert sent == [(True, True), (False, False)]


def test_a_conflict_is_one_line(pai: Pai, control: FakeControl) -> None:
    error = {"code": "conflict", "message": "Secret s exists", "hint": "pai apply changes it"}
    control.answers["POST", "/api/v1/namespaces/default/apply"] = (409, {"error": error})
    done = pai("create", "-f", "-", stdin=TWO)
    assert done.code == 1
    assert done.err == "error: Secret s exists\nhint:  pai apply changes it\n"


def test_personal_variables_travel_with_every_apply(pai: Pai, control: FakeControl) -> None:
    pai("config", "set-env", "GIT_AUTHOR_NAME=Ada L.")
    pai("apply", "-f", "-", stdin=TWO)
    assert control.bodies("/apply")[0]["personalEnv"] == {"GIT_AUTHOR_NAME": "Ada L."}


def test_a_namespace_is_part_of_the_address(pai: Pai, control: FakeControl) -> None:
    pai("apply", "-f", "-", "-n", "team/x", stdin=TWO)
    assert control.calls[-1][1] == "/api/v1/namespaces/team%2Fx/apply"


def test_delete_passes_volumes_on(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", {"kind": "AgentWorkload", "metadata": {"name": "a"}})
    assert pai("delete", "agents", "a", "--volumes").out == "agentworkload/a deleted\n"
    assert control.queries[-1] == {"volumes": ["true"]}
