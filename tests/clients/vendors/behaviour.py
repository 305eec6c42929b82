"""What all fakes answer, whatever their API: decided from what the request means.

The last text that a user wrote decides: `weather` calls the first tool for two cities at once,
`count N` says the numbers up to N, `fail STATUS` fails, `break` breaks off in the middle,
`refuse` refuses. Anything else is repeated. A word is a token.

Before all that goes a script: `script: [["tool", {...}], "text"]` in JSON, anywhere in what a
user said. Its first entry is the answer until a tool has answered, its second the next, and so
on: a call, or a text. Entries that call a tool which is not offered are not followed.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

CITIES = ("Paris", "Oslo")
THOUGHT = "Let me think about it."
INPUT_IMAGE = 10
_SCRIPT = "script: "


@dataclass
class Ask:
    """What a request means. results: texts of tool results after the last user text.

    earlier: those before it.
    """

    texts: list[str] = field(default_factory=list)
    last: str = ""
    tools: list[str] = field(default_factory=list)
    forced: bool = False
    results: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)
    schema: dict[str, Any] | None = None
    json: bool = False
    thinks: bool = False
    stops: list[str] = field(default_factory=list)
    cap: int | None = None

    def begin_turn(self) -> None:
        """Note that the user speaks: results so far are of an earlier turn."""
        self.earlier, self.results = self.earlier + self.results, []

    @property
    def answered(self) -> int:
        """Tool results of the whole conversation."""
        return len(self.earlier) + len(self.results)

    @property
    def input(self) -> int:
        """Tokens of the prompt."""
        words = sum(len(text.split()) for text in self.texts)
        return words + INPUT_IMAGE * len(self.media) + 5 * len(self.tools)


@dataclass
class Plan:
    """An answer. stop: end, length, tool, sequence or refusal. before: calls of earlier answers.

    Clients count on ids of their own for every answer and call of a conversation.
    """

    words: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    thought: str = ""
    stop: str = "end"
    sequence: str = ""
    status: int = 200
    breaks: bool = False
    before: int = 0

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(self.words)

    @property
    def reasoning(self) -> int:
        """Tokens of the thought."""
        return len(self.thought.split())

    @property
    def output(self) -> int:
        """Tokens of the answer, the thought among them."""
        return len(self.words) + 8 * len(self.calls) + self.reasoning


def plan(ask: Ask) -> Plan:
    """Return the answer."""
    made = _plan(ask)
    made.before = ask.answered
    return made


def _plan(ask: Ask) -> Plan:
    thought = THOUGHT if ask.thinks else ""
    step = scripted(ask)
    if isinstance(step, str):
        return Plan(thought=thought, words=step.split(" "))
    if step is not None:
        return Plan(thought=thought, calls=[step], stop="tool")
    failure = re.search(r"\bfail (\d{3})\b", ask.last)
    if failure:
        return Plan(status=int(failure[1]))
    made = Plan(thought=thought, breaks="break" in ask.last.split())
    if "refuse" in ask.last.split():
        made.words, made.stop = ["I", "won't."], "refusal"
        return made
    if ask.tools and not ask.results and ("weather" in ask.last or ask.forced):
        made.calls = [(ask.tools[0], {"city": city}) for city in CITIES]
        made.stop = "tool"
        return made
    return _cut(made, ask, _words(ask))


def scripted(ask: Ask) -> str | tuple[str, dict[str, Any]] | None:
    """Return the text or the call that a script in the prompt wants now, or None."""
    found = [text.partition(_SCRIPT)[2] for text in ask.texts if _SCRIPT in text]
    if not found:
        return None
    steps, _ = json.JSONDecoder().raw_decode(found[-1])
    step = steps[min(ask.answered, len(steps) - 1)]
    if isinstance(step, str):
        return step
    name, arguments = step
    return (name, arguments) if name in ask.tools else None


def _words(ask: Ask) -> list[str]:
    count = re.search(r"\bcount (\d+)\b", ask.last)
    if ask.schema is not None or ask.json:
        return [json.dumps(instance(ask.schema or {}))]
    if ask.results:
        return ["Results:", *" and ".join(ask.results).split()]
    if count:
        return [str(number + 1) for number in range(int(count[1]))]
    seen = ["I", "see", *", ".join(ask.media).split()] if ask.media else []
    return [*seen, "You", "said:", *ask.last.split()]


def _cut(made: Plan, ask: Ask, words: list[str]) -> Plan:
    for number, word in enumerate(words):
        if word in ask.stops:
            made.words, made.stop, made.sequence = words[:number], "sequence", word
            return made
    made.words = words
    room = None if ask.cap is None else max(0, ask.cap - made.reasoning)
    if room is not None and len(words) > room:
        made.words, made.stop = words[:room], "length"
    return made


def instance(schema: dict[str, Any]) -> Any:
    """Return the plainest value that fits a JSON schema."""
    if "$ref" in schema or "$defs" in schema:
        schema = _resolved(schema, schema.get("$defs", {}))
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if str(kind).lower() == "object":
        return {name: instance(each) for name, each in schema.get("properties", {}).items()}
    values = {"string": "word", "integer": 7, "number": 1.5, "boolean": True, "null": None}
    if str(kind).lower() == "array":
        return [instance(schema.get("items", {"type": "string"}))]
    return values[str(kind).lower()]


def _resolved(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resolved(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _resolved(definitions[value["$ref"].rpartition("/")[2]], definitions)
    return {name: _resolved(each, definitions) for name, each in value.items() if name != "$defs"}
