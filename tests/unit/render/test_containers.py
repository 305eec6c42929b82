"""What the golden files can't say: precedence, paths, and what is refused."""

import msgspec
import pytest
from tests.fakes.agents import FACTS

from pai.ir.agent import Agent, AgentKey, ConfigFile, Expose, Volume
from pai.render.containers import Container, Facts, images_of, render
from pai.render.containers.env import agent_env
from pai.render.containers.seed import seed_files, seed_plan
from pai.render.containers.volumes import places

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


def env(agent: Agent) -> dict[str, str]:
    return dict(line.split("=", 1) for line in agent_env(agent, FACTS, 0))


def test_the_author_wins_over_convenience_and_not_over_the_platform() -> None:
    own = (("OPENAI_API_KEY", "mine"), ("OPENAI_BASE_URL", "http://mine"), ("PAI_AGENT", "x"))
    found = env(msgspec.structs.replace(AGENT, env=own))
    assert found["OPENAI_API_KEY"] == "mine"
    assert found["OPENAI_BASE_URL"] == "http://mine"
    assert found["PAI_AGENT"] == "demo"
    assert env(AGENT)["OPENAI_API_KEY"] == "sk-dummy"


def test_the_seed_plan_fills_then_places() -> None:
    assert seed_plan(AGENT).splitlines() == [
        "fill\t/etc/a\t/run/pai-config/0\t67108864",
        "fill\t/etc/b\t/run/pai-config/1\t67108864",
        "file\t/data\ta%09%25.txt\t/run/pai/seed/0\t0644",
        "file\t/run/pai-config/0\ty\t/run/pai/seed/1\t0644",
        "file\t/run/pai-config/1\tdeep/x.ini\t/run/pai/seed/2\t0644",
    ]
    assert seed_files(AGENT) == {"0": "ay", "1": "why", "2": "bee"}


def test_every_directory_with_files_is_on_a_volume() -> None:
    found = places(AGENT)
    assert [(place.path, place.implicit) for place in found] == [
        ("/data", False),
        ("/etc/a", True),
        ("/etc/b", True),
    ]
    assert len({place.volume for place in found}) == 3


def test_without_config_files_there_is_no_seed_step() -> None:
    bare = msgspec.structs.replace(AGENT, config_files=())
    steps = [item.step for item in render(bare, FACTS) if isinstance(item, Container)]
    assert steps == ["pause", "prepare", "sidecar", "agent"]


def test_only_volumes_with_exposed_directories_reach_the_sidecar() -> None:
    volumes = (Volume("data", "/data", 1), Volume("private", "/database", 1))
    exposed = msgspec.structs.replace(
        AGENT, volumes=volumes, expose=(Expose("/site", "/data/site/"),)
    )
    (sidecar,) = (
        item
        for item in render(exposed, FACTS)
        if isinstance(item, Container) and item.step == "sidecar"
    )
    binds = sidecar.body["HostConfig"]["Binds"]
    assert [bind.split(":", 1)[1] for bind in binds] == ["/agent/data:ro,nocopy"]


def test_images_are_ours_and_the_agents() -> None:
    assert images_of(render(AGENT, FACTS)) == {"agent:1", "ours:1"}


@pytest.mark.parametrize("instance", ["", "UPPER", "with-dash", "elevenchars"])
def test_instances_that_make_names_ambiguous_are_refused(instance: str) -> None:
    with pytest.raises(ValueError, match="want 1 to 10 of a-z and 0-9"):
        Facts(instance=instance, image="i", network="n", ca_pem="", url="")
