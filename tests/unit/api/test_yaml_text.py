"""Writing YAML: quoted where readers differ, blocks where people read."""

import yaml

from pai.api.yaml_text import dump_all_yaml, dump_yaml


def test_what_might_be_misread_is_quoted() -> None:
    for text in ("n", "yes", "1e9", "0644", "12:30", "5", "1.10", "true", "~", "", "0x1F"):
        assert dump_yaml({"a": text}) == f'a: "{text}"\n'
    assert dump_yaml({"a": "plain", "b": 5, "c": True}) == "a: plain\nb: 5\nc: true\n"


def test_texts_of_several_lines_are_blocks() -> None:
    assert dump_yaml({"a": "x\ny\n"}) == "a: |\n  x\n  y\n"
    assert yaml.safe_load(dump_yaml({"a": " x\n\ty \n\n"})) == {"a": " x\n\ty \n\n"}


def test_equal_parts_are_written_out() -> None:
    part = {"x": 1}
    assert dump_yaml([part, part]) == "- x: 1\n- x: 1\n"
    assert dump_all_yaml([part, part]) == "x: 1\n---\nx: 1\n"
