"""The seed plan and the contents that it names."""

from pai.ir.agent import Agent, AgentKey, ConfigFile, Volume
from pai.render.seed import seed_files, seed_plan

AGENT = Agent(
    key=AgentKey("default", "demo"),
    uid="u",
    host_id="h",
    generation=1,
    image="agent:1",
    volumes=(Volume("data", "/data", 1),),
    config_files=(
        ConfigFile("/etc/b/deep/x.ini", "/etc/b", "bee"),
        ConfigFile("/data/a\t%.txt", "/data", "ay"),
        ConfigFile("/etc/a/y", "/etc/a", "why"),
    ),
)


def test_the_seed_plan_fills_then_places() -> None:
    assert seed_plan(AGENT).splitlines() == [
        "fill\t/etc/a\t/run/pai-config/0\t67108864",
        "fill\t/etc/b\t/run/pai-config/1\t67108864",
        "file\t/data\ta%09%25.txt\t/run/pai/seed/0\t0644",
        "file\t/run/pai-config/0\ty\t/run/pai/seed/1\t0644",
        "file\t/run/pai-config/1\tdeep/x.ini\t/run/pai/seed/2\t0644",
    ]
    assert seed_files(AGENT) == {"0": "ay", "1": "why", "2": "bee"}
