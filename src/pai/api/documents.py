"""Read YAML text: every document becomes a resource, or every fault is told with its line.

Called by the CLI, which reads the files. Reading goes on after a broken document, at the next
`---`, so that one run shows all there is to mend.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import yaml

from pai.api.compose import Composer, UnreadableError
from pai.api.fault import DocumentErrors, Fault, Path, Problem
from pai.api.kinds import Resource
from pai.api.validation import as_fault, doubles, examine

MAX_TEXT_BYTES = 8 * 1024 * 1024
MAX_BROKEN = 50  # each one costs a new start of the parser

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile(r"\\u[dD][89abAB]")
_JSON_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|.)"
)
# The C parser is some ten times faster; both are tested.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SYNTAX_HINTS = {
    "mapping values are not allowed": "put quotes around a text that holds ': '",
    "could not find expected ':'": "is a ':' missing, or the indentation of a text off?",
    "did not find expected key": "check the indentation, and quote texts with special characters",
    "expected <block end>": "check the indentation",
    "did not find expected '-' indicator": "check the indentation of the list",
}


class Source(NamedTuple):
    """Text with the name people know it by: a file's path, or `-`."""

    name: str
    text: str | bytes


class _Document(NamedTuple):
    """One document of a source. lines: by path, counted from 1."""

    source: str
    number: int
    data: Any
    lines: dict[Path, int]

    def fault(self, problem: Problem, line: int = 0) -> Fault:
        """Return a problem of this document as a fault with its place."""
        path = problem.path
        while not line and path and path not in self.lines:
            path = path[:-1]
        line = line or self.lines.get(path, 0)
        return as_fault(problem, source=self.source, document=self.number, line=line)


def parse(text: str | bytes, source: str = "") -> list[Resource]:
    """Return the resources of one text, in order. Raises DocumentErrors with all faults."""
    return parse_all([Source(source, text)])


def parse_all(sources: Iterable[Source]) -> list[Resource]:
    """Return the resources of several texts, in order.

    Raises DocumentErrors with all faults of all documents of all sources.
    """
    resources: list[Resource] = []
    places: list[_Document] = []
    faults: list[Fault] = []
    for source in sources:
        documents, found = _read(source)
        told = {(fault.document, fault.path) for fault in found}
        for document in documents:
            resource, problems = examine(document.data)
            judged = [document.fault(problem) for problem in problems]
            # Of a value whose text is wrong already, the rest would only repeat it.
            found += [fault for fault in judged if (fault.document, fault.path) not in told]
            if resource is not None:
                resources.append(resource)
                places.append(document)
        faults += sorted(found, key=lambda fault: fault.line)
    faults += [places[index].fault(problem) for index, problem in doubles(resources)]
    if faults:
        raise DocumentErrors(faults)
    return resources


def _read(source: Source) -> tuple[list[_Document], list[Fault]]:
    """Return the documents that could be read, and the faults of the text itself."""
    text, problem, line = _decoded(source.text)
    if problem:
        return [], [
            Fault(message=problem.message, hint=problem.hint, source=source.name, line=line)
        ]
    documents: list[_Document] = []
    faults: list[Fault] = []
    number = start = 0
    for _ in range(MAX_BROKEN):
        reader = _Reader(text[start:], source.name, number, text.count("\n", 0, start))
        documents += reader.documents()
        faults += reader.faults
        number = reader.number
        following = None
        if reader.stopped_at is not None:
            following = _SEPARATOR.search(text, start + max(reader.stopped_at, 1))
        if following is None:
            return documents, faults
        start = following.start()
    message = f"reading ended after {MAX_BROKEN} broken documents"
    line = text.count("\n", 0, start) + 1
    return documents, [*faults, Fault(message=message, source=source.name, line=line)]


def _joined_surrogates(text: str) -> str:
    """Return JSON text with each pair of escapes as one, which is how YAML writes a character."""
    if not _SURROGATES.search(text):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text  # YAML: a backslash may stand for itself there
    return _JSON_ESCAPE.sub(_joined, text)


def _joined(escape: re.Match[str]) -> str:
    if escape["high"] is None:
        return escape[0]
    high, low = int(escape["high"], 16) - 0xD800, int(escape["low"], 16) - 0xDC00
    return f"\\U{0x10000 + (high << 10) + low:08X}"


def _grammar_only(quoted: re.Match[str]) -> str:
    """Keep what the parser quotes of its grammar, `','` or `'<block end>'`; drop text."""
    inner = quoted[0][1:-1]
    return quoted[0] if len(inner) <= 2 or inner.startswith("<") else "this"


def _decoded(text: str | bytes) -> tuple[str, Problem | None, int]:
    """Return text without its byte order mark, or what keeps it from being text, and the line."""
    if len(text) > MAX_TEXT_BYTES:
        return "", Problem(f"larger than {MAX_TEXT_BYTES // 2**20} MiB", "split it"), 0
    if isinstance(text, bytes):
        try:
            decoded = text.decode()
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            return "", Problem("not UTF-8 text", "save the file as UTF-8"), line
    else:
        decoded = text
    decoded = decoded.removeprefix("\ufeff").replace("\r\n", "\n")
    decoded = _joined_surrogates(decoded)
    odd = _UNPRINTABLE.search(decoded)
    if odd:
        message = f"the character U+{ord(odd[0]):04X} is not possible in YAML"
        line = decoded.count("\n", 0, odd.start()) + 1
        return "", Problem(message, "write it as an escape in double quotes"), line
    return decoded, None, 0


class _Reader:
    """Reads documents until the end or the first one that is no YAML.

    faults: of the text. number: of the last document that began. stopped_at: index of the place
    where reading became impossible, None = the end was reached.
    """

    def __init__(self, text: str, source: str, number: int, first_line: int) -> None:
        self._text = text
        self._source = source
        self._first_line = first_line
        self.number = number
        self.faults: list[Fault] = []
        self.stopped_at: int | None = None

    def documents(self) -> list[_Document]:
        """Return the documents that hold anything."""
        documents: list[_Document] = []
        before = self.number
        events: Iterator[Any] = iter(yaml.parse(self._text, Loader=_LOADER))
        try:
            for event in events:
                if isinstance(event, yaml.DocumentStartEvent):
                    self.number += 1
                    documents += self._document(events)
        except UnreadableError as error:
            self._stop(error.mark, error.problem)
        except yaml.MarkedYAMLError as error:
            self.number += self.number == before
            self._stop(error.problem_mark or error.context_mark, self._syntax_problem(error))
        return documents

    def _document(self, events: Iterator[Any]) -> list[_Document]:
        composer = Composer(events)
        document = _Document(self._source, self.number, None, {})
        try:
            data = composer.document()
        finally:
            for problem, line in composer.problems:
                self.faults.append(document.fault(problem, self._line(line)))
        lines = {path: self._line(line) for path, line in composer.lines.items()}
        empty = data is None and not composer.problems
        return [] if empty else [document._replace(data=data, lines=lines)]

    def _line(self, line: int) -> int:
        return self._first_line + line + 1

    def _stop(self, mark: Any, problem: Problem) -> None:
        document = _Document(self._source, self.number, None, {})
        last = self._text.rstrip("\n").count("\n")  # an unclosed text ends after it
        self.faults.append(document.fault(problem, self._line(min(mark.line, last))))
        self.stopped_at = mark.index

    def _syntax_problem(self, error: yaml.MarkedYAMLError) -> Problem:
        """Return what the parser says, without any text of the document."""
        said = _QUOTED.sub(_grammar_only, error.problem or "it can't be read")
        index = error.problem_mark.index if error.problem_mark else -1
        if self._text[index : index + 1] == "\t":
            return Problem("not valid YAML: a tab", "indent with spaces")
        hints = (hint for part, hint in _SYNTAX_HINTS.items() if part in said)
        return Problem(f"not valid YAML: {said}", next(hints, None))


__all__ = ["MAX_BROKEN", "MAX_TEXT_BYTES", "Source", "parse", "parse_all"]
