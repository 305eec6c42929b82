"""Write YAML that every reader understands alike, and that reads back as it was.

For `-o yaml`: PyYAML alone leaves words such as `n` or `1e9` unquoted.
"""

from typing import Any

import yaml

from pai.api.yaml_scalars import plain_scalar


class _Dumper(yaml.SafeDumper):
    """Quotes what might be misread, and writes texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal parts out each time; people read it."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None
    if plain_scalar(value) != (value, None):
        style = '"'
    elif "\n" in value.strip("\n"):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump_yaml(data: object) -> str:
    """Return plain data as YAML, fields in the order given."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return text


def dump_all_yaml(documents: list[Any]) -> str:
    """Return several documents, separated by `---`."""
    return "---\n".join(dump_yaml(document) for document in documents)
