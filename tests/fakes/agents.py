"""Agents made by Hypothesis, for the laws of rendering and reconciling."""

from hypothesis import strategies as st

from pai.ir.agent import (
    Agent,
    AgentKey,
    ConfigFile,
    Expose,
    Inbound,
    ModelBinding,
    Resources,
    Volume,
)
from pai.render.containers import Facts

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
PATHS = st.lists(
    st.from_regex(r"[a-z][a-z0-9._%-]{0,8}", fullmatch=True), min_size=1, max_size=3
).map(lambda parts: "/" + "/".join(parts))
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
KEYS = st.builds(AgentKey, namespace=LABELS | st.just("default"), name=LABELS)


@st.composite
def agents(draw: st.DrawFn, *, replicas: int = 3) -> Agent:
    """Draw an agent as `pai.translate` would give it."""
    mounts = draw(st.lists(PATHS, unique=True, max_size=3))
    names = draw(st.lists(LABELS, unique=True, min_size=len(mounts), max_size=len(mounts)))
    roots = draw(st.lists(st.sampled_from(mounts) if mounts else PATHS, max_size=2)) + draw(
        st.lists(PATHS.filter(lambda path: path not in mounts), max_size=2)
    )
    files = {f"{root}/f{index}": root for index, root in enumerate(roots)}
    model = ModelBinding(
        namespace="n", name="m", provider="openai", model="m", endpoint="http://e", secret=None
    )
    return Agent(
        key=draw(KEYS),
        uid=draw(LABELS),
        host_id="h",
        generation=draw(st.integers(1, 9)),
        image=draw(st.sampled_from(["one:1", "two:2"])),
        command=tuple(draw(st.lists(WORDS, max_size=2))),
        run_as_user=draw(st.integers(1, 65529)),
        replicas=draw(st.integers(0, replicas)),
        paused=draw(st.booleans()),
        models=(model,) if draw(st.booleans()) else (),
        inbound=draw(st.none() | st.just(Inbound(3000))),
        volumes=tuple(map(Volume, names, mounts, [1] * len(mounts))),
        config_files=tuple(ConfigFile(path, root, draw(WORDS)) for path, root in files.items()),
        env=tuple(draw(st.dictionaries(LABELS.map(str.upper), WORDS, max_size=3)).items()),
        resources=Resources(limit_memory_bytes=draw(st.none() | st.just(64 << 20))),
        expose=tuple(Expose("/x", mount) for mount in mounts[:1]),
        restarted_at=draw(st.none() | st.just("2026-01-02T03:04:05Z")),
    )


FACTS = Facts(
    instance="i1",
    image="ours:1",
    network="pai-i1",
    ca_pem="CA",
    url="http://h.localhost",
    dummies=(("OPENAI_API_KEY", "sk-dummy"),),
)
