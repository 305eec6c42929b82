"""What the golden files can't say: steps, paths, and what is refused."""

import msgspec
import pytest
from tests.fakes.agents import FACTS

from pai.ir.agent import Agent, AgentKey, ConfigFile, Expose, Volume
from pai.render.containers import Container, Facts, images_of, render

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
