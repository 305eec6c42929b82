"""Which directories of an agent lie on volumes, and where steps find them."""

import msgspec

from pai.ir.agent import Agent, AgentKey, ConfigFile, Expose, Volume
from pai.render.places import exposed, places, prepare_paths, seed_root

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


def test_every_directory_with_files_is_on_a_volume() -> None:
    found = places(AGENT)
    assert [(place.path, place.implicit) for place in found] == [
        ("/data", False),
        ("/etc/a", True),
        ("/etc/b", True),
    ]
    assert len({place.volume for place in found}) == 3


def test_steps_find_places_away_from_the_agents_paths() -> None:
    assert prepare_paths(AGENT) == tuple(f"/run/pai-volumes/{index}" for index in range(3))
    roots = [seed_root(AGENT, place.path) for place in places(AGENT)]
    assert roots == ["/data", "/run/pai-config/0", "/run/pai-config/1"]


def test_a_place_is_exposed_when_it_holds_an_exposed_directory() -> None:
    agent = msgspec.structs.replace(AGENT, expose=(Expose("/x", "/data/site/"),))
    assert [exposed(agent, place) for place in places(agent)] == [True, False, False]
    beside = msgspec.structs.replace(AGENT, expose=(Expose("/x", "/database"),))
    assert not any(exposed(beside, place) for place in places(beside))
