"""The definitions in a real API server: it refuses what `pai` refuses, and takes what it takes."""

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cluster.stage.api_server import CRDS, Answer, ApiServer, api_server, path_of
from tests.cluster.stage.cluster import Cluster
from tests.property.resource_strategies import AGENTS, MODELS, PROVIDERS, damaged
from tests.unit.api import test_agent_pod, test_rules
from tests.unit.api.examples import document

from pai.api import DocumentErrors, validate
from pai.api.crd import DEFINED_KINDS, custom_resource_definition, custom_resource_definitions
from pai.control.validation import stored_spec

AGENT, MODEL, PROVIDER = DEFINED_KINDS
LAW = settings(
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
Document = dict[str, Any]


@pytest.fixture(scope="module")
def api(control_plane: Cluster) -> Iterator[ApiServer]:
    """An API server that knows our kinds."""
    with api_server(control_plane.kubeconfig) as server:
        for definition in custom_resource_definitions():
            install(server, definition)
        for kind in DEFINED_KINDS:
            until_accepted(server, document(kind))
        yield server


def install(api: ApiServer, definition: Document) -> None:
    answer = api.apply(f"{CRDS}/{definition['metadata']['name']}", definition)
    assert answer.accepted, answer.message
    assert answer.warning == ""


def until_accepted(api: ApiServer, wanted: Document) -> None:
    """Wait until the API server follows a definition."""
    for _ in range(100):
        answer = api.judge(wanted)
        if answer.accepted:
            return
        time.sleep(0.1)
    raise AssertionError(answer)


def without_namespace(data: Document) -> Document:
    metadata = {key: value for key, value in data["metadata"].items() if key != "namespace"}
    return {**data, "metadata": metadata}


def as_sent(data: Document) -> Document:
    """Return a document as `pai` sends it."""
    return without_namespace({**data, "spec": stored_spec(validate(data))})


def pai_accepts(data: Document) -> bool:
    try:
        validate(data)
    except DocumentErrors:
        return False
    return True


@LAW
@given(data=st.one_of(AGENTS, MODELS, PROVIDERS))
def test_what_pai_accepts_is_accepted(api: ApiServer, data: Document) -> None:
    answer = api.judge(as_sent(data))
    assert answer.accepted, answer.message
    assert answer.warning == ""


REFUSED = [
    *test_rules.REFUSED,
    *(
        (AGENT, f"spec.pod.{place}", value, f"spec.pod.{path}", part)
        for place, value, path, part in test_agent_pod.REFUSED
    ),
]
# Rows that no JSON document of our kinds can hold, and those of the table of differences.
_NO_DOCUMENT = {"apiVersion", "kind"}
_IN_BYTES = {"1000000 bytes", "longer"}


def rows() -> Iterator[tuple[Document, str]]:
    """Yield each document that `pai` refuses, and the path of its fault."""
    for kind, place, value, path, part in REFUSED:
        differs = part in _IN_BYTES and not json.dumps(value, ensure_ascii=False).isascii()
        if kind in DEFINED_KINDS and place not in _NO_DOCUMENT and not differs:
            data = document(kind, place, value)
            if "Infinity" not in json.dumps(data):
                yield data, path


def test_what_pai_refuses_is_refused_with_its_place(api: ApiServer) -> None:
    """A field of a list is told by the list at least; some faults of a header by a word alone."""
    judged = 0
    for data, path in rows():
        answer = api.judge(data)
        assert not answer.accepted, data
        judged += 1
        if path.startswith("spec."):
            words = path.replace("[", ".").replace("]", "").split(".")
            field = [word for word in words if not word.isdecimal()][1]
            assert field in answer.message, (path, answer.message)
    assert judged > 300


# A few messages word by word: path, what is wrong, the way out.
MESSAGES: list[tuple[str, str, Any, str]] = [
    (
        AGENT,
        "spec.runAsUser",
        0,
        'spec.runAsUser: Invalid value: "integer": 0 is root, which no agent may be; '
        "use a UID above 0, e.g. 65532 or 1000",
    ),
    (
        AGENT,
        "metadata.name",
        "a" * 41,
        "metadata.name is longer than 40 characters; choose a shorter name",
    ),
    (AGENT, "metadata.name", "a.b", "metadata.name is no name; use lower-case letters"),
    (
        AGENT,
        "spec.resources",
        {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
        'spec.resources.requests.memory: Invalid value: "object": requests.memory is above',
    ),
    (
        AGENT,
        "spec.env",
        [{"name": "PAI_X", "value": ""}],
        'spec.env[0].name: Invalid value: "string": is reserved: the platform sets PAI_* itself',
    ),
    (AGENT, "spec.env", [{"name": "A", "value": ""}] * 2, "spec.env[1]: Duplicate value"),
    (
        AGENT,
        "spec.cdpRelay",
        {"token": "not-a-hash"},
        'spec.cdpRelay.token: Invalid value: "string": is kept as a hash only; apply the document',
    ),
    (
        PROVIDER,
        "spec.auth.type",
        "aws-sigv4",
        'spec.auth.type: Invalid value: "object": this type can\'t sign in that way',
    ),
]


@pytest.mark.parametrize(("kind", "place", "value", "text"), MESSAGES)
def test_a_refusal_reads_well(
    api: ApiServer, kind: str, place: str, value: object, text: str
) -> None:
    answer = api.judge(document(kind, place, value))
    assert text in answer.message
    assert "not-a-hash" not in answer.message


ACCEPTED = [
    *test_rules.ACCEPTED,
    *((AGENT, f"spec.pod.{place}", value) for place, value in test_agent_pod.ACCEPTED),
]


def test_legal_documents_are_accepted_as_they_are_written(api: ApiServer) -> None:
    for kind, place, value in ACCEPTED:
        if kind in DEFINED_KINDS and not place.startswith("metadata"):
            data = document(kind, place, value)
            if place == "spec.resources":  # a number with a fraction: see the differences
                data = as_sent(data)
            answer = api.judge(data)
            assert answer.accepted, (place, value, answer.message)


def differs(value: Any) -> bool:
    """Say whether a document holds what the table of differences names, or what no JSON holds."""
    if isinstance(value, dict):
        return any(differs(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(differs(part) for part in value)
    if isinstance(value, str):
        return any("\ud800" <= char <= "\udfff" for char in value)
    return isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**63)


def has_empty_marks(data: Document) -> bool:
    metadata = data.get("metadata")
    marks = [metadata.get(name) for name in ("labels", "annotations")] if metadata else []
    return any(None in mark.values() for mark in marks if isinstance(mark, dict))


@LAW
@given(data=damaged())
def test_a_damaged_document_is_judged_alike(api: ApiServer, data: Document) -> None:
    ours = data.get("kind") in DEFINED_KINDS and data.get("apiVersion") == "pai.io/v1"
    if not ours or differs(data) or not isinstance(data.get("metadata"), dict):
        return
    if has_empty_marks(data):
        return
    data = without_namespace(data)
    accepted = pai_accepts(data)
    if accepted:
        data = as_sent(data)
    assert api.judge(data).accepted == accepted, data


def put(kind: str, place: str, value: object) -> Document:
    """Return a document with a text in one place; numbers in the place are indexes of lists."""
    *parents, last = place.split("/")
    inner: Any = value
    for name in reversed([*parents[1:], last]):
        inner = [inner] if name == "0" else {name: inner}
    data = document(kind)
    data["spec"] = {**copy.deepcopy(BASES.get(parents[0], data["spec"])), **inner}
    return data


def with_parts(value: Any, **parts: Any) -> Any:
    return {**value, **parts}


# Each kind of text: where it stands, and of which letters hostile ones are made.
BASES: dict[str, Document] = {
    "agent": {"image": "a"},
    "model": {"provider": "openai", "model": "m"},
    "http": {"type": "http-token", "host": "a.b"},
}
TEXTS: list[tuple[str, str, str]] = [
    (AGENT, "agent/image", "aA0./:@-_[]\u212a "),
    (AGENT, "agent/modelBindings/0", "aA0-. _\u0660"),
    (AGENT, "agent/filesystem/writablePaths/0", "a./\n\u2003é"),
    (AGENT, "agent/cdpRelay/token", "sha256:0f "),
    (AGENT, "agent/pod/priorityClassName", "aA0-."),
    (AGENT, "agent/pod/nodeSelector/zone", "aA0-._ é"),
    (AGENT, "agent/resources/limits/cpu", "0159.mkKMGiEenu+- "),
    (AGENT, "agent/resources/limits/memory", "0159.mkKMGiEenu+- "),
    (MODEL, "model/model", "a\x1f\x7f\x85\xa0\u1680\u180e\u200b\u2028\u3000\ufeff"),
    (MODEL, "model/endpoint", "htps:/A1.[]@%#?\\_-\u212a \x00"),
    (PROVIDER, "http/host", "aA1.-_*:/[]\u212a\u0660"),
    (PROVIDER, "http/auth/header", "aT-: \u212a\u017fe"),
    (PROVIDER, "http/auth/prefix", "a \t\x7fé"),
    (PROVIDER, "http/auth/param", "a~[]&.é"),
    (PROVIDER, "http/auth/secretKey", "a./-_ é"),
    (PROVIDER, "http/auth/agentEnvVar", "AP_I0.-é"),
    (PROVIDER, "http/policy/allow/0", "a:*\u2029 \u200b"),
]
NEAR = {
    "agent/image": ["a.b:5/c:t@sha256:" + "0" * 32, "a/b", "a__b---c", "A/b", "localhost/a:1"],
    "model/endpoint": [
        "http://a.b", "https://[::1]:8/x", "http://a:65536", "HTTP://A./?", "http://u@a",
        "http://[::ffff:1.2.3.4]", "http://[1.2.3.4]", "http://a:00", "http://.", "http://a..b",
        "http://a/?x@y", "http:///a", "http://a%41.b", "http://a\u3002b", "http://[::1%25a]",
    ],
    "http/host": ["localhost", "LOCALHOST", "a.localhost", "1.2.3", "xn--a.b", "a" * 63 + ".b"],
    "http/auth/header": ["Host", "x-host", "KEEP-ALIVE", "\u212aeep-alive", "te", "Te"],
    "http/auth/secretKey": [".", "..", "..."],
    "http/auth/agentEnvVar": ["PAI_", "PAI_X", "PAI", "pai_x"],
    "agent/filesystem/writablePaths/0": ["//", "/..", "/...", "/a/.", "/a/", "/", "/.a/b."],
    "agent/resources/limits/memory": ["1e99", "1E", "0.5m", "9.2E", "8Ei", "00", "1e-9", "5."],
    "agent/resources/limits/cpu": ["1e-99", "0e0", "0.0", ".5", "1k", "007", "9E", "1Ei"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "place", "letters"), TEXTS, ids=[row[1] for row in TEXTS])
def test_a_hostile_text_is_judged_alike(
    api: ApiServer, kind: str, place: str, letters: str
) -> None:
    texts = st.text(st.sampled_from(letters), max_size=10)
    near = NEAR.get(place, [])

    @settings(LAW, max_examples=60)
    @given(text=st.one_of(texts, st.sampled_from(near)) if near else texts)
    def law(text: str) -> None:
        judged_alike(api, put(kind, place, text))

    for text in near:
        judged_alike(api, put(kind, place, text))
    law()


BLOCKS = st.one_of(
    st.text(st.sampled_from("0123456789abf.:/%"), max_size=12),
    st.ip_addresses().flatmap(
        lambda address: st.integers(0, 130).map(lambda bits: f"{address}/{bits}")
    ),
    st.ip_addresses(v=6).map(lambda address: f"{address.exploded}/128"),
    st.integers(0, 2**32 - 1).map(lambda number: f"::ffff:{number >> 16:x}:{number & 65535:x}/128"),
)
PATHS = st.one_of(
    st.text(st.sampled_from("a./~%?\n"), max_size=8).map(lambda text: f"/{text}"),
    st.sampled_from(
        ["/proc", "/sys/x", "/run/pai/", "/var/run/paix", "/.pai", "/.pai/x", "/.paix"]
    ),
)


@LAW
@given(block=BLOCKS, path=PATHS, other=PATHS)
def test_hostile_lists_are_judged_alike(api: ApiServer, block: str, path: str, other: str) -> None:
    specs: list[Document] = [
        {"inbound": {"port": 1, "allowCIDRs": [block]}},
        {"volumes": [volume("a", path), volume("b", other)]},
        {"configFiles": [{"path": path, "content": ""}, {"path": other, "content": ""}]},
        {
            "expose": [
                {"urlPath": path, "directory": "/d"},
                {"urlPath": other, "directory": "/d"},
            ]
        },
    ]
    for spec in specs:
        data = document(AGENT)
        data["spec"] |= spec
        judged_alike(api, data)


def volume(name: str, path: str) -> Document:
    return {"name": name, "mountPath": path, "size": "1Gi"}


def judged_alike(api: ApiServer, data: Document) -> None:
    accepted = pai_accepts(data)
    answer = api.judge(as_sent(data) if accepted else data)
    assert answer.accepted == accepted, (data, answer.message)


def test_the_largest_documents_stay_within_the_budget_of_rules(api: ApiServer) -> None:
    """The API server gives up on rules that cost too much; none of ours may."""
    long = "/" + "d" * 900
    data = document(AGENT)
    data["spec"] |= {
        "configFiles": [
            {"path": f"{long[:508]}/{number:03}", "content": "x" * 1000} for number in range(128)
        ],
        "volumes": [volume(f"v{number}", f"{long}{number:02}") for number in range(64)],
        "expose": [
            {
                "urlPath": f"{long}{number:02}",
                "directory": f"{long}{number:02}",
                "allowCIDRs": ["2001:db8:1111:2222:3333:4444:5555:6666/128"] * 256,
            }
            for number in range(64)
        ],
        "modelBindings": [f"{'m' * 36}-{number:03}" for number in range(256)],
        "env": [{"name": f"V{number}", "value": "x"} for number in range(1000)],
        "egress": {"allow": [{"host": f"*.{'h' * 60}.{'x.' * 90}y"} for _ in range(256)]},
        "filesystem": {"writablePaths": [long] * 256, "readOnlyPaths": [long] * 256},
    }
    assert pai_accepts(data)
    answer = api.judge(data)
    assert answer.accepted, answer.message
    data["spec"]["configFiles"][127]["path"] = f"{long[:400]}/x"
    data["spec"]["configFiles"][126]["path"] = f"{long[:400]}/x/y"
    assert "a path lies below that of another file" in api.judge(data).message


def test_the_largest_provider_stays_within_the_budget_of_rules(api: ApiServer) -> None:
    """Larger than what etcd keeps; the lists at their longest would not even be read."""
    globs = ["x" * 512] * 128
    rule = {"effect": "deny", "methods": ["M" * 256] * 4, "paths": ["/" + "x/" * 255] * 64}
    data = document(PROVIDER)
    data["spec"] |= {
        "host": "h" * 60 + ".x" * 90,
        "policy": {"allow": globs, "deny": globs, "httpRules": [rule] * 64},
        "scope": {"repositories": globs, "channels": globs, "resources": globs},
    }
    assert pai_accepts(data)
    answer = api.judge(data)
    assert answer.accepted, answer.message[:2000]


EXPLAINED = {
    "agentworkload": ["AI agent", "What should run.", "-required-"],
    "agentworkload.spec": ["image", "runAsUser", "Kubernetes only: where the pods run"],
    "agentworkload.spec.autoscaling": [
        "Lets the replica count follow the load.",
        "Most replicas, inclusive. 1 to 1000.",
        "Least time between two steps down. 0 to 86400. Default: 300.",
    ],
    "agentworkload.spec.egress.mode": ["ENUM: deny audit", 'Default: "deny".'],
    "agent.spec.pod.probes.readiness": ["While it fails", "HTTP path on `inbound.port`"],
    "agentworkload.status.conditions": ["each with a reason", "lastTransitionTime"],
    "modelbinding.spec.retry": ["Attempts in all. 1 to 10. Default: 3."],
    "provider.spec.policy.httpRules": ["`deny` ends it", "-required-"],
}


def test_explain_tells_all(api: ApiServer, control_plane: Cluster) -> None:
    del api
    for path, texts in EXPLAINED.items():
        shown = " ".join(control_plane.kubectl("explain", path).split())
        for text in texts:
            assert text in shown, (path, shown)


@pytest.fixture
def stored(api: ApiServer) -> Iterator[Document]:
    """An agent that is stored, with a status."""
    data = document(AGENT)
    data["metadata"]["name"] = "stored"
    answer = api.create(data)
    assert answer.accepted, answer.message
    status = {
        "phase": "Running",
        "url": "https://a1b2c3.example",
        "tokensToday": 17,
        "replicas": 1,
        "readyReplicas": 1,
        "selector": "pai.io/agent=stored",
        "lastScaleTime": None,
    }
    answer = api.replace({**answer.document, "status": status}, "/status")
    assert answer.accepted, answer.message
    yield answer.document
    api.delete(f"{path_of(data)}/stored")


def test_only_defaults_with_a_meaning_are_filled_in(stored: Document) -> None:
    assert stored["spec"] == {
        "image": "ghcr.io/acme/agent:latest",
        "paused": False,
        "replicas": 1,
        "runAsUser": 65532,
    }
    assert "lastScaleTime" not in stored["status"]


def test_an_object_of_the_cluster_is_read_as_it_comes(stored: Document) -> None:
    assert stored["metadata"]["managedFields"]
    read = validate({**stored, "metadata": {**stored["metadata"], "finalizers": ["x"]}})
    assert read.metadata.uid == stored["metadata"]["uid"]
    assert read.to_wire()["spec"] == stored["spec"]


def test_an_agent_can_be_scaled(api: ApiServer, stored: Document, control_plane: Cluster) -> None:
    place = f"{path_of(stored)}/stored"
    shown = api.get(f"{place}/scale").document
    assert shown["spec"] == {"replicas": 1}
    assert shown["status"] == {"replicas": 1, "selector": "pai.io/agent=stored"}
    control_plane.kubectl("scale", "agent", "stored", "--replicas=3")
    assert api.get(place).document["spec"]["replicas"] == 3
    refused = api.replace({**api.get(place).document, "status": {"phase": "Odd"}}, "/status")
    assert "supported values" in refused.message


def test_columns_and_short_names(stored: Document, control_plane: Cluster) -> None:
    assert stored["status"]["tokensToday"] == 17
    lines = control_plane.kubectl("get", "aw", "stored").splitlines()
    assert lines[0].split() == ["NAME", "PHASE", "REPLICAS", "TOKENS", "URL", "AGE"]
    assert lines[1].split()[:5] == ["stored", "Running", "1", "17", "https://a1b2c3.example"]
    assert "agentworkload.pai.io/stored" in control_plane.kubectl("get", "pai", "-o", "name")


def test_a_volume_may_grow_and_never_shrink(api: ApiServer, stored: Document) -> None:
    grown = {**stored, "spec": {**stored["spec"], "volumes": [volume("data", "/d")]}}
    answer = api.replace(grown)
    assert answer.accepted, answer.message
    for size, fine in (("2Gi", True), ("1.5Gi", False), (2**31, True), ("2147483647", False)):
        spec = {**answer.document["spec"], "volumes": [{**volume("data", "/d"), "size": size}]}
        told = api.replace({**answer.document, "spec": spec})
        assert told.accepted == fine, (size, told.message)
        if told.accepted:
            answer = told
        else:
            assert "spec.volumes[0].size" in told.message
            assert "a volume can't shrink; keep the size" in told.message


def test_appliers_share_lists_by_the_names_of_their_entries(api: ApiServer) -> None:
    data = document(AGENT)
    data["metadata"]["name"] = "shared"
    place = f"{path_of(data)}/shared"
    first = {**data, "spec": {**data["spec"], "env": [{"name": "A", "value": "1"}]}}
    second = {
        **data,
        "spec": {"image": data["spec"]["image"], "env": [{"name": "B", "value": "2"}]},
    }
    assert api.apply(place, first, fieldManager="one").accepted
    found = api.apply(place, second, fieldManager="two")
    api.delete(place)
    assert found.document["spec"]["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]


def older(definition: Document) -> Document:
    """Return a definition of a time before `pod`, probes' rule and the limit of replicas."""
    before = copy.deepcopy(definition)
    schema = before["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec = schema["properties"]["spec"]
    del spec["properties"]["pod"], spec["x-kubernetes-validations"]
    del spec["properties"]["replicas"]["maximum"]
    return before


def test_a_newer_definition_keeps_what_is_stored(api: ApiServer) -> None:
    """Objects stay, valid ones can be changed, and an invalid old value does not bar the rest."""
    definition = custom_resource_definition(AGENT)
    ordinary, outgrown = (document(AGENT) for _ in range(2))
    ordinary["metadata"]["name"], outgrown["metadata"]["name"] = "ordinary", "outgrown"
    outgrown["spec"]["replicas"] = 2000
    podded = {**ordinary, "spec": {**ordinary["spec"], "pod": {"storageClassName": "fast"}}}
    install(api, older(definition))
    try:
        until_accepted(api, outgrown)
        uids = [created(api, data) for data in (ordinary, outgrown)]
        assert 'unknown field "spec.pod"' in api.judge(podded).message
    finally:
        install(api, definition)
    until_accepted(api, {**podded, "metadata": {"name": "fresh"}})
    found = [
        api.get(f"{path_of(data)}/{data['metadata']['name']}") for data in (ordinary, outgrown)
    ]
    assert [answer.document["metadata"]["uid"] for answer in found] == uids
    changed = found[0].document
    changed["spec"]["pod"] = {"storageClassName": "fast"}
    assert api.replace(changed).accepted
    untouched = found[1].document
    untouched["spec"]["paused"] = True
    assert api.replace(untouched).accepted
    untouched["spec"]["replicas"] = 1999
    assert "less than or equal to 1000" in renewed(api, untouched).message
    for name in ("ordinary", "outgrown"):
        api.delete(f"{path_of(ordinary)}/{name}")


def created(api: ApiServer, data: Document) -> str:
    answer = api.create(data)
    assert answer.accepted, answer.message
    return str(answer.document["metadata"]["uid"])


def renewed(api: ApiServer, data: Document) -> Answer:
    """Replace a resource, whatever version it has by now."""
    metadata = {key: value for key, value in data["metadata"].items() if key != "resourceVersion"}
    current = api.get(f"{path_of(data)}/{data['metadata']['name']}").document["metadata"]
    version = {"resourceVersion": current["resourceVersion"]}
    return api.replace({**data, "metadata": {**metadata, **version}})


def test_the_committed_files_are_what_is_installed() -> None:
    for kind in DEFINED_KINDS:
        with open(f"deploy/kubernetes/crds/{kind.lower()}.yaml", encoding="utf-8") as file:
            assert yaml.safe_load(file) == custom_resource_definition(kind)
