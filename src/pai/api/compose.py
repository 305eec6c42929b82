"""Build plain data from YAML events, remembering the line of every path. Bounded and without tags.

Used by `pai.api.documents` only. An alias costs as much as what it repeats, and depth is counted,
so that no text of bounded size can take unbounded memory or stack.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from pai.api.fault import Path, Problem
from pai.api.validation import MAX_DEPTH, MAX_NODES
from pai.api.yaml_scalars import plain_scalar

_STRING_TAGS = ("!", "tag:yaml.org,2002:str")
_MERGE = "<<"
QUOTES = "put quotes around it"


class UnreadableError(Exception):
    """The rest of this document can't be read. mark: where reading ended."""

    def __init__(self, problem: Problem, mark: yaml.Mark) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.mark = mark


class Composer:
    """Reads one document from a stream of events.

    lines: by path, counted from 0; of a field it is the line of its name. problems: each with
    its line.
    """

    def __init__(self, events: Iterator[Any]) -> None:
        self.lines: dict[Path, int] = {}
        self.problems: list[tuple[Problem, int]] = []
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def document(self) -> Any:
        """Return the data of the document whose start event was just read.

        Raises UnreadableError, and yaml.YAMLError where the text is no YAML.
        """
        return self._node(next(self._events), (), 0)

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        self.lines.setdefault(path, event.start_mark.line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._nodes
        self._count(1, event)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        elif depth >= MAX_DEPTH:
            self._give_up(f"nested more than {MAX_DEPTH} levels deep", event)
        else:
            self._refuse_tag(event, path)
            is_list = isinstance(event, yaml.SequenceStartEvent)
            value = (self._sequence if is_list else self._mapping)(path, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        merged: list[Any] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            here = (*path, key)
            first = self.lines.setdefault(here, event.start_mark.line)
            value = self._node(next(self._events), here, depth + 1)
            if key == _MERGE and not event.style:
                merged += self._mappings(value, event, here)
            elif key in fields:
                message = f"given twice, first on line {first + 1}"
                self._note(Problem(message, "keep one of the two", here), event)
            else:
                fields[key] = value
        for mapping in merged:
            fields = {**mapping, **fields}
        return fields

    def _mappings(self, value: Any, event: Any, path: Path) -> list[dict[str, Any]]:
        mappings = value if isinstance(value, list) else [value]
        if all(isinstance(mapping, dict) for mapping in mappings):
            return mappings
        self._note(Problem("'<<' merges mappings only", path=path), event)
        return []

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._give_up("a field name must be text", event)
        self._count(1, event)
        found = len(self.problems)
        value = self._scalar(event, path)
        if isinstance(value, str) and len(self.problems) == found:
            return value
        if len(self.problems) == found:
            self._note(Problem("a field name must be text", QUOTES, path), event)
        return str(event.value)

    def _scalar(self, event: Any, path: Path) -> Any:
        if event.tag in _STRING_TAGS:
            return event.value
        if event.tag is not None:
            self._refuse_tag(event, path)
            return event.value
        if not event.implicit[0]:
            return event.value
        scalar = plain_scalar(event.value)
        if scalar.problem is None:
            return scalar.value
        self._note(Problem(f"ambiguous: {scalar.problem}", QUOTES, path), event)
        return event.value

    def _refuse_tag(self, event: Any, path: Path) -> None:
        if event.tag not in (None, "!"):
            self._note(Problem("YAML tags are not supported", "leave the tag out", path), event)

    def _alias(self, event: Any, path: Path) -> Any:
        if event.anchor not in self._anchors:  # its name may be a secret that begins with '*'
            problem = Problem("an alias ('*...') without an anchor before it", QUOTES, path)
            self._note(problem, event)
            return ""
        value, nodes = self._anchors[event.anchor]
        self._count(nodes, event)
        return value

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._give_up(f"more than {MAX_NODES} values, aliases counted in full", event)

    def _note(self, problem: Problem, event: Any) -> None:
        self.problems.append((problem, event.start_mark.line))

    def _give_up(self, message: str, event: Any) -> NoReturn:
        raise UnreadableError(Problem(message), event.start_mark)
