"""Reading YAML text: places, traps, bounds, and going on after a broken document."""

from typing import Any

import pytest
import yaml

from pai.api import documents
from pai.api.documents import Source, parse, parse_all
from pai.api.fault import DocumentErrors, Fault

AGENT = """\
apiVersion: pai.io/v1
kind: AgentWorkload
metadata:
  name: {name}
spec:
  image: acme/agent
"""
SECRET = """\
apiVersion: pai.io/v1
kind: Secret
metadata: {name: keys}
stringData:
"""


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML must lead to the same answers."""
    monkeypatch.setattr(documents, "_LOADER", getattr(yaml, request.param))


def faults(text: str | bytes) -> list[Fault]:
    with pytest.raises(DocumentErrors) as caught:
        parse(text, "a.yaml")
    return list(caught.value.faults)


def only_fault(text: str | bytes) -> Fault:
    found = faults(text)
    assert len(found) == 1, found
    return found[0]


def agent_with(line: str) -> str:
    return AGENT.format(name="a") + line


def test_documents_come_in_order_and_empty_ones_are_nothing() -> None:
    text = "---\n" + AGENT.format(name="one") + "---\n# nothing\n---\n" + AGENT.format(name="two")
    assert [resource.name for resource in parse(text)] == ["one", "two"]
    assert parse("") == []
    assert parse("# only a remark\n") == []


def test_json_bytes_and_a_byte_order_mark_are_fine() -> None:
    text = '{"apiVersion": "pai.io/v1", "kind": "AgentWorkload",\r\n "metadata": {"name": "a"},'
    text += ' "spec": {"image": "x"}}'
    assert parse(text)[0].name == "a"
    assert parse(b"\xef\xbb\xbf" + AGENT.format(name="b").encode())[0].name == "b"


def test_escapes_of_json_are_read_as_json_reads_them() -> None:
    text = '{"apiVersion": "pai.io/v1", "kind": "Secret", "metadata": {"name": "a"},'
    text += r' "stringData": {"token": "\ud83d\uDE00 \/ \\ud83d \u00e9"}}'
    assert parse(text)[0].to_wire()["stringData"]["token"] == "\U0001f600 / \\ud83d \u00e9"
    lone = text.replace(r"\uDE00", "")
    assert only_fault(lone).message.startswith(("not valid YAML", "must be valid Unicode"))
    yaml_text = SECRET + "  token: " + r"'\ud83d\ude00'"
    assert parse(yaml_text)[0].to_wire()["stringData"]["token"] == r"\ud83d\ude00"


def test_a_fault_has_source_document_line_path_and_hint() -> None:
    text = AGENT.format(name="a") + "---\n" + agent_with("  modelBindngs:\n    - x\n")
    fault = only_fault(text.replace("name: a", "name: z", 1))
    assert fault == Fault(
        source="a.yaml",
        document=2,
        line=14,
        path="spec.modelBindngs",
        message="unknown field",
        hint="did you mean 'modelBindings'?",
    )
    assert str(fault) == "a.yaml:14: spec.modelBindngs: unknown field"


def test_a_missing_field_is_told_at_the_line_of_its_parent() -> None:
    fault = only_fault(AGENT.format(name="a").replace("  image: acme/agent", "  replicas: 1"))
    assert (fault.line, fault.path) == (5, "spec.image")


def test_faults_of_all_sources_come_together_in_order() -> None:
    good = AGENT.format(name="a")
    with pytest.raises(DocumentErrors) as caught:
        parse_all(
            [Source("b.yaml", good + "  x: 1\n"), Source("a.yaml", "x: 1\n"), Source("c", good)]
        )
    places = [(fault.source, fault.line, fault.path) for fault in caught.value.faults]
    assert places == [
        ("b.yaml", 7, "spec.x"),
        ("a.yaml", 1, "apiVersion"),
        ("a.yaml", 1, "kind"),
    ]
    assert "hint: write 'apiVersion: pai.io/v1'" in str(caught.value)


def test_the_same_name_twice_is_a_fault() -> None:
    fault = only_fault(AGENT.format(name="a") + "---\n" + AGENT.format(name="a"))
    assert (fault.document, fault.line, fault.path) == (2, 11, "metadata.name")
    assert fault.message == "another document describes AgentWorkload 'a' too"


def test_a_field_given_twice_is_a_fault() -> None:
    fault = only_fault(agent_with("  replicas: 1\n  image: other\n"))
    assert (fault.line, fault.path) == (8, "spec.image")
    assert fault.message == "given twice, first on line 6"


@pytest.mark.parametrize(
    ("scalar", "part"),
    [
        ("yes", "true or false"),
        ("on", "true or false"),
        ("N", "true or false"),
        ("0644", "octal"),
        ("-017", "octal"),
        ("0o17", "base 2, 8 and 16"),
        ("0x1F", "base 2, 8 and 16"),
        ("0b1", "base 2, 8 and 16"),
        ("1_000", "take this for a number"),
        ("22:22", "base 60"),
        ("1:30:00.5", "base 60"),
        (".inf", "no finite number"),
        ("-.INF", "no finite number"),
        (".nan", "no finite number"),
        ("1" * 41, "too many digits"),
    ],
)
def test_what_yaml_versions_read_differently_is_refused(scalar: str, part: str) -> None:
    fault = only_fault(agent_with(f"  env: [{{name: A, value: {scalar}}}]\n"))
    assert fault.path == "spec.env[0].value"
    assert "ambiguous" in fault.message
    assert part in fault.message
    assert fault.hint == "put quotes around it"
    assert parse(agent_with(f"  env: [{{name: A, value: '{scalar}'}}]\n"))


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("text", "text"),
        ("2024-01-01", "2024-01-01"),
        ("1.2.3", "1.2.3"),
        ("3000:3000", "3000:3000"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("'5'", "5"),
        ('"\\u00e9"', "é"),
        ("=", "="),
        ("<<", "<<"),
        ("a_b", "a_b"),
    ],
)
def test_text_is_read_as_written(scalar: str, value: str) -> None:
    [agent] = parse(agent_with(f"  env: [{{name: A, value: {scalar}}}]\n"))
    assert agent.to_wire()["spec"]["env"][0]["value"] == value


@pytest.mark.parametrize("scalar", ["5", "-1", "1.5", "1e3", ".5", "true", "FALSE"])
def test_numbers_and_booleans_are_not_text(scalar: str) -> None:
    fault = only_fault(agent_with(f"  env: [{{name: A, value: {scalar}}}]\n"))
    assert fault.hint == "put quotes around it"


@pytest.mark.parametrize("scalar", ["~", "null", ""])
def test_a_field_with_nothing_behind_it_is_left_out(scalar: str) -> None:
    [agent] = parse(agent_with(f"  providers: {scalar}\n"))
    assert "providers" not in agent.to_wire()["spec"]


def test_numbers_are_numbers() -> None:
    [agent] = parse(
        agent_with("  replicas: +3\n  paused: True\n  resources: {limits: {cpu: 1e3}}\n")
    )
    spec = agent.to_wire()["spec"]
    assert (spec["replicas"], spec["paused"]) == (3, True)
    assert spec["resources"]["limits"]["cpu"] == "1000.0"


@pytest.mark.parametrize("key", ["5", "true", "null"])
def test_a_field_name_must_be_text(key: str) -> None:
    fault = only_fault(SECRET + f"  {key}: x\n  token: z\n")
    assert fault.line == 5
    assert fault.message == "a field name must be text"


def test_an_ambiguous_field_name_is_refused() -> None:
    fault = only_fault(SECRET + "  on: x\n")
    assert "true or false" in fault.message


def test_a_collection_as_field_name_ends_the_document_only() -> None:
    text = agent_with("  ? {a: b}\n  : c\n") + "---\n" + AGENT.format(name="b") + "  x: 1\n"
    assert [fault.message for fault in faults(text)] == [
        "a field name must be text",
        "unknown field",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "  env: !!python/object/apply:os.system ['id']\n",
        "  env: !!map {}\n",
        "  command: [!!python/name:os.system x]\n",
        "  command: [!secret x]\n",
        "  command: [!!binary aGk=]\n",
    ],
)
def test_tags_are_refused(line: str) -> None:
    messages = [fault.message for fault in faults(agent_with(line))]
    assert "YAML tags are not supported" in messages


def test_anchors_aliases_and_merges_work() -> None:
    text = (
        "apiVersion: pai.io/v1\nkind: AgentWorkload\nmetadata: {name: a}\nspec:\n"
        "  image: x\n  resources:\n    requests: &small {cpu: 1, memory: 1Gi}\n"
        "    limits: {<<: *small, memory: 2Gi}\n"
    )
    [agent] = parse(text)
    limits = agent.to_wire()["spec"]["resources"]["limits"]
    assert limits == {"cpu": "1", "memory": "2Gi"}
    several = text.replace("<<: *small", "<<: [*small, {cpu: 3}]")
    assert parse(several)[0].to_wire()["spec"]["resources"]["limits"] == limits


def test_only_mappings_can_be_merged() -> None:
    fault = only_fault(agent_with("  resources: {<<: [5]}\n"))
    assert fault.message == "'<<' merges mappings only"


def test_a_fault_behind_an_alias_is_told_where_the_alias_stands() -> None:
    text = agent_with("  command: &words [a, 5]\n  providers: *words\n")
    assert [(f.line, f.path) for f in faults(text)] == [
        (7, "spec.command[1]"),
        (8, "spec.providers[1]"),
    ]


def test_an_alias_bomb_is_stopped_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 30):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    fault = only_fault("\n".join(lines))
    assert fault.message == "more than 200000 values, aliases counted in full"
    assert fault.line > 1


def test_an_alias_of_itself_is_no_anchor_yet() -> None:
    assert "without an anchor" in faults("&a [*a]")[0].message


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_stopped(opening: str) -> None:
    fault = only_fault(opening * 5000)
    assert fault.message.startswith(("nested more than 64", "not valid YAML"))
    assert only_fault("a: " + "[" * 65 + "]" * 65).message == "nested more than 64 levels deep"


def test_the_size_is_bounded() -> None:
    fault = only_fault("#" * (documents.MAX_TEXT_BYTES + 1))
    assert fault.message == "larger than 8 MiB"


def test_the_number_of_broken_documents_is_bounded() -> None:
    found = faults("---\n[\n" * 60)
    assert len(found) == documents.MAX_BROKEN + 1
    assert found[-1].message == "reading ended after 50 broken documents"
    assert found[-1].line == 101


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b"a: 1\nb: \xff\n", 2, "not UTF-8 text"),
        ("a: 1\n\nb: \x00\n", 3, "the character U+0000 is not possible in YAML"),
        ("a: \x1b[0m", 1, "the character U+001B is not possible in YAML"),
        ("a: \ud800", 1, "the character U+D800 is not possible in YAML"),
    ],
)
def test_text_that_is_no_text_is_told(text: str | bytes, line: int, message: str) -> None:
    fault = only_fault(text)
    assert (fault.line, fault.message) == (line, message)


def test_reading_goes_on_after_a_broken_document() -> None:
    text = (
        AGENT.format(name="a").replace("name: a", "name: [a")
        + "---\n"
        + AGENT.format(name="b")
        + "  x: 1\n---\n\tkind: x\n---\n"
        + AGENT.format(name="B")
    )
    found = [(fault.document, fault.line, fault.path) for fault in faults(text)]
    assert found[0][:2] in {(1, 5), (1, 7)}
    assert found[1:] == [(2, 14, "spec.x"), (3, 16, ""), (4, 21, "metadata.name")]


def test_a_tab_is_named() -> None:
    fault = only_fault("a:\n\tb: 1\n")
    assert (fault.line, fault.hint) == (2, "indent with spaces")


def test_a_colon_in_a_text_gets_a_hint() -> None:
    fault = only_fault("a: b: c\n")
    assert fault.hint == "put quotes around a text that holds ': '"


@pytest.mark.parametrize(
    "value",
    [
        "*canary-value",
        "&canary-value",
        "!canary-value x",
        "!<canary-value x",
        "'canary-value",
        "%canary-value",
        "@canary-value",
        "{canary-value",
        "canary-value: x",
        "0canary",
        "- canary-value",
        "|canary-value",
        '"canary-value \\q"',
    ],
)
def test_no_message_repeats_a_value_of_a_secret(value: str) -> None:
    for place in (f"  token: {value}\n", f"  token: x\n  other: {value}\n", f"  - {value}\n"):
        try:
            parse(SECRET + place, "a.yaml")
        except DocumentErrors as error:
            assert "canary" not in str(error)
            assert "canary" not in (error.hint or "")


def test_a_list_or_text_is_no_document() -> None:
    assert only_fault("- a\n").message == "a document must be a mapping of fields, not a list"
    assert only_fault("hello\n").message == "a document must be a mapping of fields, not text"


def test_a_directive_is_read_over() -> None:
    assert parse("%YAML 1.1\n---\n" + AGENT.format(name="a"))[0].name == "a"


def test_windows_line_ends_count_as_one() -> None:
    text: Any = agent_with("  x: 1\n").replace("\n", "\r\n")
    assert only_fault(text).line == 7
