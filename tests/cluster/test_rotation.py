"""A changed key is in force at once, and nothing starts anew for it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.cluster.stage.canaries import NAMESPACES, SPACE
from tests.cluster.stage.platform import Platform

SECONDS = 5.0
ASK_MODEL = """
import openai
try:
    openai.OpenAI(max_retries=0).chat.completions.create(
        model="gpt", messages=[{"role": "user", "content": "words=1"}])
    print(200)
except openai.APIStatusError as error:
    print(error.status_code)
"""
ASK_SERVICE = """
import os, urllib.request
request = urllib.request.Request("https://api.notes.test/notes", headers={
    "authorization": "Bearer " + os.environ["NOTES_TOKEN"]})
try:
    with urllib.request.urlopen(request, timeout=10) as answer: print(answer.status)
except urllib.error.HTTPError as error: print(error.code)
"""


def by_kubectl(platform: Platform, secret: str, value: str) -> None:
    """Change a Secret as kubectl users do."""
    patch = json.dumps({"stringData": {"token": value}})
    platform.kubectl("patch", "secret", secret, "-n", SPACE, "--type=merge", "-p", patch)


def by_pai(platform: Platform, secret: str, value: str) -> None:
    """Change a Secret as `pai apply` does."""
    document = {
        "apiVersion": "pai.io/v1",
        "kind": "Secret",
        "metadata": {"name": secret},
        "stringData": {"token": value},
    }
    platform.apply([document], SPACE)


def lives(platform: Platform) -> list[tuple[str, int]]:
    """Return uid and restarts of every pod that a rotation could disturb."""
    items: list[dict[str, Any]] = []
    for namespace in NAMESPACES:
        items += platform.cluster.get("pods", "-n", namespace)["items"]
    return sorted(
        (pod["metadata"]["uid"], status["restartCount"])
        for pod in items
        for status in pod["status"]["containerStatuses"]
    )


def seconds_until(platform: Platform, ask: str, works: bool) -> float:
    """Return how long it takes until the upstream takes the key, or refuses it."""
    started = time.monotonic()
    while (platform.run_in("probe", ask, SPACE).strip() == "200") is not works:
        assert time.monotonic() < started + 2 * SECONDS, "the change does not arrive"
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.mark.parametrize("change", [by_kubectl, by_pai])
@pytest.mark.parametrize(
    ("who", "secret", "ask"),
    [("gateway", "llm-key", ASK_MODEL), ("sidecar", "notes-key", ASK_SERVICE)],
)
def test_a_changed_key_is_in_force_within_five_seconds_and_restarts_nothing(
    platform: Platform,
    probe: str,
    who: str,
    secret: str,
    ask: str,
    change: Callable[[Platform, str, str], None],
) -> None:
    world, before = platform.world, lives(platform)
    right = world.llm_key if secret == "llm-key" else world.notes_key
    assert platform.run_in(probe, ask, SPACE).strip() == "200"
    change(platform, secret, "rotated-and-therefore-wrong")
    taken = seconds_until(platform, ask, works=False)
    change(platform, secret, right)
    back = seconds_until(platform, ask, works=True)
    print(f"{who}, {change.__name__}: {taken:.2f} s, {back:.2f} s")
    assert max(taken, back) < SECONDS
    assert lives(platform) == before
