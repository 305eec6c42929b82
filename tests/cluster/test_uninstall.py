"""The platform goes, what people own stays, and the next installation goes on from there."""

import json

import pytest
from tests.cluster.stage.platform import (
    SYSTEM_NAMESPACE,
    Platform,
    give_services,
    install_platform,
    probe_agent,
)

pytestmark = pytest.mark.slow

SPACE = "staying"
CALL = """
import openai
openai.OpenAI().chat.completions.create(
    model="gpt", messages=[{"role": "user", "content": "words=5"}], max_tokens=10)
open("/data/kept", "w").write("still here")
"""


def spent(platform: Platform) -> int:
    rows = json.loads(platform.pai("usage", "owner", "-n", SPACE, "-o", "json").stdout)
    return sum(int(row["input"] + row["output"]) for row in rows)


def test_an_uninstalled_platform_leaves_what_people_own(platform: Platform) -> None:
    platform.kubectl("create", "namespace", SPACE)
    give_services(platform, SPACE)
    volume = {"name": "data", "mountPath": "/data", "size": "1Gi"}
    owner = probe_agent("owner", volumes=[volume])
    platform.start(owner, namespace=SPACE)
    platform.run_in("owner", CALL, SPACE)
    known = platform.wait("the ledger", lambda: spent(platform))
    refused = platform.pai("uninstall", "kubernetes", check=False)
    assert refused.returncode != 0
    assert "agents" in refused.stderr
    assert platform.request("owner", "/hello", namespace=SPACE)[0] == 200

    platform.pai("uninstall", "kubernetes", "--delete-agents", timeout=240)
    assert platform.cluster.get("agentworkloads", "-A")["items"] == []
    assert platform.cluster.get("deployments", "-n", SYSTEM_NAMESPACE)["items"] == []
    services = [item["metadata"]["name"] for item in platform.cluster.get("apiservices")["items"]]
    assert "v1.platform.pai.io" not in services
    mine = platform.cluster.get("pvc", "-n", SPACE)["items"]
    assert [claim["metadata"]["labels"]["pai.io/agent"] for claim in mine] == ["owner"]
    assert "pai-control-data" in platform.kubectl("get", "pvc", "-n", SYSTEM_NAMESPACE)
    assert "gpt" in platform.kubectl("get", "modelbindings", "-n", SPACE)

    platform.urls.clear()
    install_platform(platform.cluster, platform.home, platform.world)
    assert spent(platform) == known
    platform.start(owner, namespace=SPACE)
    assert platform.run_in("owner", "print(open('/data/kept').read())", SPACE) == "still here\n"
    platform.kubectl("delete", "namespace", SPACE, "--wait=false")
