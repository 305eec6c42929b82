"""Several agents with differing documents: budgets, replicas, pauses, who may reach them."""

import json
from pathlib import Path

import pytest
from tests.e2e.stage.installation import Platform, agent_yaml

pytestmark = pytest.mark.engine

SPEND = """
import json, openai
requests = []
hooks = {"request": [requests.append]}
client = openai.OpenAI(http_client=openai.DefaultHttpxClient(event_hooks=hooks))
served = 0
try:
    while served < 50:
        client.chat.completions.create(
            model="gpt", max_tokens=40, messages=[{"role": "user", "content": "words=40"}])
        served += 1
except openai.RateLimitError as error:
    told = {"code": error.code, "retry_after": int(error.response.headers["retry-after"]),
            "should_retry": error.response.headers["x-should-retry"], "message": str(error)}
print(json.dumps({"served": served, "sent": len(requests), **told}))
"""


def billed_for(platform: Platform, before: int) -> int:
    return platform.world.billed() - before


def test_a_spent_budget_is_the_sdk_s_own_error_and_not_retried(platform: Platform) -> None:
    limit = 900
    platform.apply(agent_yaml("thrifty", f"  tokens: {{maxPerDay: {limit}}}\n"), "--wait")
    before = platform.world.billed()
    told = json.loads(platform.run_in("thrifty", SPEND))
    assert told["served"] > 0
    assert told["sent"] == told["served"] + 1
    assert told["code"] == "insufficient_quota"
    assert told["should_retry"] == "false"
    assert 0 < told["retry_after"] <= 86_400
    assert "daily token budget" in told["message"]
    assert 0 < billed_for(platform, before) <= limit
    shown = platform.pai("status", "thrifty").stdout
    assert "limit 900" in shown
    platform.pai("delete", "agent", "thrifty", "--wait")


WHO = "import os; print(os.environ['PAI_REPLICA'])"


def test_replicas_share_the_url_and_keep_their_own_files(platform: Platform) -> None:
    spec = "  replicas: 2\n  volumes: [{name: data, mountPath: /data, size: 1Gi}]\n"
    platform.apply(agent_yaml("twins", spec), "--wait")
    assert platform.wait_for_phase("twins", "Running")["status"]["readyReplicas"] == 2
    write = f"{WHO}; open('/data/who', 'a').write(os.environ['PAI_REPLICA'])"
    seen = {platform.run_in("twins", write).strip() for _ in range(12)}
    assert seen == {"0", "1"}
    read = f"{WHO}; print(set(open('/data/who').read()))"
    for _ in range(6):
        who, held = platform.run_in("twins", read).split()
        assert held == f"{{'{who}'}}"
    platform.pai("pause", "twins", "--wait")
    assert platform.wait_for_phase("twins", "Pending")["status"]["currentReplicas"] == 0
    status, _, body = platform.request("twins", "/hello")
    assert status == 503, body
    platform.pai("resume", "twins", "--wait")
    platform.wait_for_phase("twins", "Running")
    who, held = platform.run_in("twins", read).split()
    assert held == f"{{'{who}'}}"
    platform.pai("delete", "agent", "twins", "--volumes", "--wait")
    assert "twins" not in platform.engine_command("volume", "ls", "-q")


def test_an_empty_allow_list_admits_nobody(platform: Platform) -> None:
    closed = agent_yaml("closed").replace("[127.0.0.0/8]", "[]")
    platform.apply(closed, "--wait")
    status, _, body = platform.request("closed", "/hello")
    assert status == 403, body
    listed = agent_yaml("closed").replace("[127.0.0.0/8]", "[203.0.113.0/24]")
    platform.apply(listed, "--wait")
    spoofed = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    status, _, body = platform.request("closed", "/hello", None, **spoofed)
    assert status == 403, body
    platform.pai("delete", "agent", "closed", "--wait")


def test_data_outlives_the_agent(platform: Platform) -> None:
    spec = "  volumes: [{name: data, mountPath: /data, size: 1Gi}]\n"
    platform.apply(agent_yaml("lasting", spec), "--wait")
    platform.run_in("lasting", "open('/data/kept', 'w').write('yes')")
    platform.pai("delete", "agent", "lasting", "--wait")
    platform.urls.pop("lasting")
    platform.apply(agent_yaml("lasting", spec), "--wait")
    assert platform.run_in("lasting", "print(open('/data/kept').read())").strip() == "yes"
    platform.pai("delete", "agent", "lasting", "--volumes", "--wait")


def test_personal_environment_and_exec_from_a_file(platform: Platform, tmp_path: Path) -> None:
    document = tmp_path / "agent.yaml"
    env = "  env: [{name: GIT_AUTHOR_NAME, value: from the document}]\n"
    document.write_text(agent_yaml("personal", env))
    platform.pai("config", "set-env", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com")
    platform.pai("apply", "-f", str(document), "--wait")
    printed = platform.pai("exec", "personal", "--", "env").stdout
    assert "GIT_AUTHOR_NAME=from the document" in printed
    assert "GIT_AUTHOR_EMAIL=ada@example.com" in printed
    platform.pai("config", "set-env", "--unset", "GIT_AUTHOR_NAME", "--unset", "GIT_AUTHOR_EMAIL")
    platform.pai("delete", "agent", "personal", "--wait")
