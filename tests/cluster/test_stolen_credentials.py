"""What credentials are worth to somebody who got hold of one."""

import asyncio
import base64
import json

import msgspec
import pytest
from tests.cluster.stage.attempts import DNS, KUBERNETES
from tests.cluster.stage.platform import Platform

from pai.ir.snapshot import SidecarSnapshot
from pai.wire.feed import Bootstrap, ControlLink


def bootstrap_of(platform: Platform, agent: str, namespace: str = "default") -> Bootstrap:
    """Return what the agent's sidecar starts with, as an administrator can read it."""
    data = platform.cluster.get("secret", f"pai-{agent}-sidecar", "-n", namespace)["data"]
    return msgspec.json.decode(base64.b64decode(data["bootstrap.json"]), type=Bootstrap)


def answer_of_control(bootstrap: Bootstrap, path: str) -> tuple[int, bytes]:
    """Ask control's internal API with a credential."""

    async def ask() -> tuple[int, bytes]:
        link = ControlLink.remote(bootstrap, 0)
        try:
            reply = await link.call("GET", path)
            return reply.status, reply.body
        finally:
            link.close()

    return asyncio.run(ask())


def gateway_token(platform: Platform, agent: str) -> str:
    """Return what a sidecar proves itself to the gateway with."""
    status, body = answer_of_control(bootstrap_of(platform, agent), "snapshot?after=0&wait=0")
    assert status == 200
    return msgspec.json.decode(body, type=SidecarSnapshot).gateway_token


TO_GATEWAY = """
import http.client, json, ssl
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
connection = http.client.HTTPSConnection({gateway!r}, 8443, timeout=10, context=context)
"""
SPEND = f"""{TO_GATEWAY}
body = {{{{"model": "gpt", "messages": [{{{{"role": "user", "content": "words=3"}}}}]}}}}
headers = {{{{"authorization": "Bearer " + {{token!r}}, "content-type": "application/json"}}}}
connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
answer = connection.getresponse()
print(answer.status, answer.read().decode(), answer.headers)
"""
ASK = f"""{TO_GATEWAY}
headers = {{{{"authorization": "Bearer " + {{token!r}}}}}}
connection.request("GET", "/pai/resolve?name={{name}}&type=A", headers=headers)
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


def test_a_stolen_gateway_token_spends_its_owner_s_budget_and_shows_no_key(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    token = gateway_token(platform, "victim")
    gateway = str(places["strict"]["gateway"])
    refused = platform.run_in("probe", SPEND.format(gateway=gateway, token="guess"), "strict")
    assert refused.startswith("401 ")
    said = platform.run_in("probe", SPEND.format(gateway=gateway, token=token), "strict")
    assert said.startswith("200 "), said
    assert platform.world.llm_key not in said

    def users(namespace: str) -> set[str]:
        used = json.loads(platform.pai("usage", "-n", namespace, "-o", "json").stdout)
        return {line["agent"] for line in used}

    platform.wait("the owner's bill", lambda: "victim" in users("default"), 20)
    assert users("strict") == set()


def test_a_stolen_gateway_token_is_no_way_into_dns(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    """The gateway finds addresses of what the token's agent declared, and asks for nothing else."""
    token, gateway = gateway_token(platform, "victim"), str(places["strict"]["gateway"])

    def ask(name: str, token: str = token) -> str:
        return platform.run_in(
            "probe", ASK.format(gateway=gateway, token=token, name=name), "strict"
        )

    assert ask("api.notes.test", "guess").startswith("401 ")
    asked = ask("api.notes.test")  # this cluster's DNS knows nothing of the world, and says so
    assert asked.startswith("502 ") and DNS in asked
    for name in ("64617461.api.notes.test", "64617461.tunnel.test", KUBERNETES, "evil.test"):
        assert ask(name).startswith("403 "), name
    assert ask("64617461%0d%0a.api.notes.test").startswith("400 ")


@pytest.mark.parametrize("namespace", ["default", "strict"])
def test_no_name_is_asked_for_through_the_sidecar_s_own_way(
    platform: Platform, places: dict[str, dict[str, object]], namespace: str
) -> None:
    code = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
connection.request("GET", "/pai/resolve?name=api.notes.test&type=A")
print(connection.getresponse().status)
"""
    assert platform.run_in("probe", code, namespace) == "404\n"


@pytest.mark.parametrize("credential", ["", "guess"])
def test_control_tells_nothing_without_a_credential(
    platform: Platform, places: dict[str, dict[str, object]], credential: str
) -> None:
    bootstrap = msgspec.structs.replace(bootstrap_of(platform, "victim"), credential=credential)
    status, body = answer_of_control(bootstrap, "snapshot?after=0&wait=0")
    assert status == 401
    assert b"victim" not in body


def test_a_sidecar_s_credential_is_worth_no_more_than_its_own_agent(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    strict = bootstrap_of(platform, "probe", "strict")
    _, body = answer_of_control(strict, "snapshot?after=0&wait=0")
    snapshot = msgspec.json.decode(body, type=SidecarSnapshot)
    assert snapshot.agent == "strict/probe"
    assert b"default/" not in body
    assert platform.world.llm_key.encode() not in body
    status, _ = answer_of_control(strict, "audit")
    assert status in (403, 404, 405)
