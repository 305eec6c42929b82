"""Laws of rendering: deterministic, legal, collision-free, confined, and without secrets."""

import re

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.agents import FACTS, KEYS, LABELS, agents

from pai.ir.agent import Agent
from pai.render.containers import Container, VolumeSpec, render
from pai.render.names import container_name, host_name, volume_name

LEGAL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
MODEST = settings(max_examples=60, deadline=None)


def containers(agent: Agent) -> list[Container]:
    return [item for item in render(agent, FACTS) if isinstance(item, Container)]


@MODEST
@given(agents())
def test_rendering_is_deterministic(agent: Agent) -> None:
    again = msgspec.json.decode(msgspec.json.encode(agent), type=Agent)
    assert render(agent, FACTS) == render(again, FACTS)


@MODEST
@given(agents(), st.randoms(use_true_random=False))
def test_the_order_of_volumes_and_files_does_not_matter(agent: Agent, random: object) -> None:
    shuffled = msgspec.structs.replace(
        agent,
        volumes=tuple(reversed(agent.volumes)),
        config_files=tuple(reversed(agent.config_files)),
    )
    assert render(agent, FACTS) == render(shuffled, FACTS)


@MODEST
@given(agents())
def test_every_name_is_legal_and_used_once(agent: Agent) -> None:
    rendered = render(agent, FACTS)
    names = [(type(item), item.name) for item in rendered]
    assert len(names) == len(set(names))
    assert all(LEGAL.fullmatch(item.name) for item in rendered)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(KEYS, st.integers(0, 999), st.sampled_from(["pause", "agent"])),
    st.tuples(KEYS, st.integers(0, 999), st.sampled_from(["pause", "agent"])),
)
def test_two_steps_never_share_a_name(one: tuple, two: tuple) -> None:  # type: ignore[type-arg]
    same = container_name("i1", *one) == container_name("i1", *two)
    assert same == (one == two)
    assert LEGAL.fullmatch(container_name("abcdefghij", *one))
    assert len(host_name(one[0], one[1])) <= 63


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(KEYS, st.integers(0, 999), LABELS),
    st.tuples(KEYS, st.integers(0, 999), LABELS),
)
def test_two_volumes_never_share_a_name(one: tuple, two: tuple) -> None:  # type: ignore[type-arg]
    assert (volume_name("i1", *one) == volume_name("i1", *two)) == (one == two)
    assert LEGAL.fullmatch(volume_name("abcdefghij", *one))


@MODEST
@given(agents())
def test_every_container_is_confined(agent: Agent) -> None:
    for item in containers(agent):
        host = item.body["HostConfig"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["PidsLimit"] > 0
        assert not host["Privileged"]
        assert host.get("CapAdd", []) == (["NET_ADMIN", "CHOWN"] if item.step == "prepare" else [])
        assert item.body["User"] != "0:0" or item.step == "prepare"
        volumes = {volume.name for volume in render(agent, FACTS) if isinstance(volume, VolumeSpec)}
        assert {bind.split(":")[0] for bind in host.get("Binds", [])} <= volumes


@MODEST
@given(agents())
def test_the_agent_cannot_write_the_run_directory(agent: Agent) -> None:
    for item in containers(agent):
        if item.step in {"agent", "seed"}:
            run = [bind for bind in item.body["HostConfig"]["Binds"] if ":/run/pai:" in bind]
            assert [bind.split(":")[2] for bind in run] == ["ro,nocopy"]


@MODEST
@given(agents())
def test_only_the_sidecar_is_given_a_secret_and_only_its_name(agent: Agent) -> None:
    for item in containers(agent):
        sources = [spec.source for spec in item.files if spec.source]
        assert sources == (["sidecar-bootstrap"] if item.step == "sidecar" else [])
        assert all(spec.content is None for spec in item.files if spec.source)


@MODEST
@given(agents(), st.sampled_from(["image", "command", "env", "restarted_at"]))
def test_a_change_of_the_agent_spares_pause_and_sidecar(agent: Agent, field: str) -> None:
    values = {"image": "x:3", "command": ("c",), "env": (("NEW", "1"),), "restarted_at": "later"}
    changed = msgspec.structs.replace(agent, **{field: values[field]})
    digests = zip(containers(agent), containers(changed), strict=True)
    touched = {one.step for one, two in digests if one.digest != two.digest}
    allowed = {"agent", "seed"} if field == "image" else {"agent"}
    assert touched <= allowed
    assert ("agent" in touched) == bool(agent.desired_replicas)


@MODEST
@given(agents())
def test_what_builds_on_a_changed_step_changes_too(agent: Agent) -> None:
    changed = msgspec.structs.replace(agent, run_as_user=agent.run_as_user % 65529 + 1)
    if changed.run_as_user == agent.run_as_user or not agent.desired_replicas:
        return
    other = msgspec.structs.replace(FACTS, image="ours:2")
    newer = [item for item in render(agent, other) if isinstance(item, Container)]
    assert all(one.digest != two.digest for one, two in zip(containers(agent), newer, strict=True))
