"""Valid resources as plain data, and documents that are nearly valid."""

import copy
from typing import Any

from hypothesis import strategies as st

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,12}[a-z0-9])?", fullmatch=True)
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cc", "Cs")),
    max_size=12,
)
SEGMENT = st.from_regex(r"[a-z][a-z0-9._-]{0,6}", fullmatch=True)
CIDRS = st.lists(st.sampled_from(["0.0.0.0/0", "::/0", "10.0.0.0/8", "203.0.113.7/32"]), max_size=3)
SIZE = st.sampled_from(["1Gi", "5G", "1500M", "1e9", 1000000, "0.5Gi"])
TOKENS = st.integers(1, 10**9)
PORTS = st.integers(1, 65535).filter(
    lambda port: port not in {8000, 8053, *range(8081, 8085), 8443, 9222}
)
HOST = st.builds(
    lambda name, zone: f"{name}.{zone}", LABEL, st.sampled_from(["example.com", "x.y"])
)
ENV_NAME = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: not name.startswith("PAI_")
)
GLOBS = st.lists(st.sampled_from(["get", "*", "contents:*", "repo:read"]), max_size=3)


def fields(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


def metadata() -> st.SearchStrategy[dict[str, Any]]:
    return fields(
        {"name": LABEL},
        namespace=LABEL,
        labels=st.dictionaries(SEGMENT.filter(lambda key: key[-1] not in "._-"), LABEL, max_size=2),
        annotations=st.dictionaries(LABEL, TEXT, max_size=2),
    )


def unique_by(strategy: Any, key: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(strategy, max_size=4, unique_by=lambda item: item[key])


def _volumes(rows: list[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    """Siblings of one depth, so that none lies inside another."""
    return [
        {"name": name, "mountPath": f"/vol/{place}", "size": size}
        for name, place, size in rows
        if name != "config"
    ]


VOLUMES = st.lists(
    st.tuples(LABEL, SEGMENT, SIZE),
    max_size=4,
    unique_by=(lambda row: row[0], lambda row: row[1]),
).map(_volumes)
FILES = unique_by(
    st.builds(
        lambda where, name, text: {"path": f"{where}/{name}", "content": text},
        st.sampled_from(["/vol/data", "/etc/x", "/etc/x/y", "/home/a/b"]),
        SEGMENT.map(lambda name: f"{name}.json"),
        TEXT,
    ),
    "path",
)
EXPOSE = unique_by(
    fields(
        {"urlPath": SEGMENT.map(lambda name: f"/{name}"), "directory": st.just("/vol/data")},
        allowCIDRs=CIDRS,
    ),
    "urlPath",
)
METRIC = st.one_of(
    fields({"type": st.just("tokenRate"), "targetValuePerReplica": st.floats(0.1, 1e6)}),
    fields(
        {
            "type": st.just("http"),
            "url": HOST.map(lambda host: f"https://{host}/x"),
            "targetValuePerReplica": st.integers(1, 100),
        },
        jsonPath=st.sampled_from(["", "a.b", "items[0].n", "items.0.n"]),
    ),
)
SCALING = st.builds(
    lambda low, more, rest: {"minReplicas": low, "maxReplicas": low + more, **rest},
    st.integers(0, 10),
    st.integers(1, 10),
    fields({}, pollIntervalSeconds=st.integers(1, 99), metrics=st.lists(METRIC, max_size=2)),
)
PROBE = st.builds(
    lambda command, rest: {"command": command, **rest},
    st.lists(TEXT, min_size=1, max_size=2),
    fields({}, periodSeconds=st.integers(1, 99), failureThreshold=st.integers(1, 9)),
)
POD = fields(
    {},
    priorityClassName=LABEL,
    runtimeClassName=st.just("gvisor.example.com"),
    storageClassName=LABEL,
    nodeSelector=st.dictionaries(
        st.sampled_from(["zone", "kubernetes.io/arch"]), LABEL, max_size=2
    ),
    tolerations=st.lists(
        st.one_of(
            fields({"operator": st.just("Exists")}, key=LABEL),
            fields({"key": LABEL}, value=LABEL, effect=st.just("NoSchedule")),
        ),
        max_size=2,
    ),
    affinity=st.just({"podAntiAffinity": {"x": [{"y": None}]}}),
    imagePullSecrets=st.lists(LABEL, max_size=2, unique=True),
    terminationGracePeriodSeconds=st.integers(1, 99),
    probes=fields({}, liveness=PROBE, startup=PROBE),
)
AGENT_SPEC = fields(
    {"image": st.sampled_from(["acme/agent", "localhost/a:1", "r.ex:5000/a@sha256:" + "0" * 64])},
    replicas=st.integers(0, 1000),
    runAsUser=st.integers(1, 2**31 - 1).filter(lambda uid: uid not in {65530, 65531}),
    command=st.lists(TEXT, max_size=3),
    modelBindings=st.lists(LABEL, max_size=3, unique=True),
    providers=st.lists(LABEL, max_size=3, unique=True),
    inbound=fields({"port": PORTS}, allowCIDRs=CIDRS),
    volumes=VOLUMES,
    configFiles=FILES,
    env=unique_by(fields({"name": ENV_NAME, "value": TEXT}), "name"),
    resources=fields(
        {},
        requests=fields({}, cpu=st.sampled_from(["100m", 0.5]), memory=st.just("64Ki")),
        limits=fields({}, cpu=st.sampled_from([1, "2"]), memory=SIZE),
    ),
    tokens=fields({}, maxPerDay=TOKENS, maxPerRequest=TOKENS),
    expose=EXPOSE,
    egress=fields(
        {},
        mode=st.sampled_from(["deny", "audit"]),
        allow=st.lists(
            fields({"host": HOST}, ports=st.lists(PORTS, min_size=1, max_size=2)), max_size=3
        ),
    ),
    filesystem=fields({}, writablePaths=st.just(["/a"]), readOnlyPaths=st.just(["/b"])),
    autoscaling=SCALING,
    pod=POD,
    cdpRelay=fields({"token": LABEL}),
    ops=fields({"instructions": TEXT}),
    paused=st.booleans(),
)
MODEL_SPEC = fields(
    {
        "provider": st.sampled_from(["anthropic", "gemini", "openai", "openrouter"]),
        "model": LABEL,
    },
    apiKeySecretRef=fields({"name": LABEL}, key=st.sampled_from(["token", "api-key", "x.y"])),
    maxTokensPerDay=TOKENS,
    maxTokensPerRequest=TOKENS,
    endpoint=HOST.map(lambda host: f"http://{host}:9000/v1"),
    retry=fields({}, maxAttempts=st.integers(1, 10)),
    prices=fields({"input": st.integers(0, 9), "output": st.floats(0, 9)}),
    fallback=st.booleans(),
)
_AUTH = fields({}, secretRef=LABEL, secretKey=st.just("token"), agentEnvVar=ENV_NAME)
PROVIDER_SPEC = st.one_of(
    fields(
        {"type": st.just("http-token"), "host": HOST},
        auth=_AUTH,
        policy=fields(
            {},
            allow=GLOBS,
            deny=GLOBS,
            httpRules=st.lists(
                fields(
                    {"effect": st.sampled_from(["allow", "deny"])},
                    methods=st.just(["get"]),
                    paths=st.just(["/**"]),
                ),
                max_size=2,
            ),
        ),
        scope=fields({}, repositories=GLOBS, resources=GLOBS),
        audit=fields({}, logRequests=st.booleans()),
    ),
    fields({"type": st.sampled_from(["github", "telegram", "slack"])}, auth=_AUTH),
    fields({"type": st.sampled_from(["aws", "gcp"])}, config=fields({}, region=LABEL)),
    fields({"type": st.just("mcp"), "mcp": st.just({"url": "https://m.example.com/sse"})}),
)
STRING_DATA = st.dictionaries(
    st.sampled_from(["token", "api-key", "a.b", "C_d"]),
    TEXT.filter(lambda value: bool(value.strip())),
    min_size=1,
    max_size=3,
)


def resource(kind: str, part: str, spec: Any) -> st.SearchStrategy[dict[str, Any]]:
    return fields(
        {
            "apiVersion": st.just("pai.io/v1"),
            "kind": st.just(kind),
            "metadata": metadata(),
            part: spec,
        }
    )


AGENTS = resource("AgentWorkload", "spec", AGENT_SPEC)
MODELS = resource("ModelBinding", "spec", MODEL_SPEC)
PROVIDERS = resource("Provider", "spec", PROVIDER_SPEC)
SECRETS = resource("Secret", "stringData", STRING_DATA)
RESOURCES = st.one_of(AGENTS, MODELS, PROVIDERS, SECRETS)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """Return a valid resource with one place replaced by anything."""
    data = copy.deepcopy(draw(RESOURCES))
    target: Any = data
    for _ in range(draw(st.integers(0, 4))):
        keys: list[Any] = list(target) if isinstance(target, dict) else list(range(len(target)))
        inside = [key for key in keys if isinstance(target[key], dict | list) and target[key]]
        if not inside:
            break
        target = target[draw(st.sampled_from(inside))]
    if isinstance(target, dict):
        target[draw(st.sampled_from(list(target)) | st.text(max_size=6))] = draw(JSON)
    else:
        target[draw(st.integers(0, len(target) - 1))] = draw(JSON)
    return data
