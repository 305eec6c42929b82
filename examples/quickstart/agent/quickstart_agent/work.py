"""The job: a text in, a report out."""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import openai

from quickstart_agent import notes

INSTRUCTIONS = (
    "You are a careful reader. Keep one note about the text you are given with the tool "
    "`save_note`, then write a short report in plain text: one sentence beginning with "
    "'In short:', then a few lines that begin with '- '."
)
SAVE_NOTE = {
    "type": "function",
    "function": {
        "name": "save_note",
        "description": "Keep a note in the company's notes service.",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "text": {"type": "string"}},
            "required": ["title", "text"],
        },
    },
}


@dataclass
class Report:
    """What came of one text. steps: what was done, in order, for people."""

    text: str
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    at: str = ""
    model: str = ""
    answer: str = ""
    tokens: int = 0
    note: dict[str, Any] | None = None
    steps: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Return the first words of the text."""
        words = " ".join(self.text.split())
        return words if len(words) <= 70 else words[:69].rsplit(" ", 1)[0] + " …"


def do_work(text: str) -> Report:
    """Ask the model, let it keep its note, and put the report together.

    Raises openai.APIError when the model can't be asked; a note that fails is part of the report.
    """
    report = Report(text, at=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
    with openai.OpenAI() as client:
        messages: list[Any] = [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": text},
        ]
        first = client.chat.completions.create(
            model="default", messages=messages, tools=[SAVE_NOTE], max_tokens=600
        )
        message = first.choices[0].message
        _count(report, first)
        report.steps.append(f"asked {report.model} what to do")
        messages.append(message.model_dump(exclude_none=True))
        calls = message.tool_calls or []
        messages += [_result(call.id, _keep(report, call.function.arguments)) for call in calls]
        if not calls:
            _keep(report, json.dumps({"title": report.title, "text": message.content or ""}))
        report.answer = _write(client, report, messages) if calls else message.content or ""
    _try_to_remove(report)
    return report


def _write(client: openai.OpenAI, report: Report, messages: list[Any]) -> str:
    """Let the model write the report, streamed."""
    parts = []
    stream = client.chat.completions.create(
        model="default",
        messages=messages,
        max_tokens=600,
        stream=True,
        stream_options={"include_usage": True},
    )
    with stream:
        for chunk in stream:
            if chunk.usage:
                report.tokens += chunk.usage.total_tokens
            parts += [choice.delta.content or "" for choice in chunk.choices]
    report.steps.append("had the report written, streamed")
    return "".join(parts)


def _count(report: Report, completion: Any) -> None:
    report.model = completion.model
    report.tokens += completion.usage.total_tokens if completion.usage else 0


def _keep(report: Report, arguments: str) -> str:
    """Run the tool; its outcome goes back to the model either way."""
    try:
        given = json.loads(arguments)
        report.note = notes.add_note(str(given["title"]), str(given["text"]))
    except (ValueError, KeyError, TypeError) as error:
        report.steps.append(f"could not keep a note: bad arguments: {error!r}")
        return "the arguments were not understood"
    except notes.RefusedError as error:
        report.steps.append(f"could not keep a note: {error}")
        return str(error)
    report.steps.append(f"kept note {report.note.get('id')} at {notes.URL}")
    return json.dumps(report.note)


def _result(call_id: str, content: str) -> dict[str, str]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def _try_to_remove(report: Report) -> None:
    """Try what the policy does not allow, so that a refusal can be seen."""
    if report.note is None:
        return
    try:
        notes.remove_note(int(report.note["id"]))
        report.steps.append("removed the note again: nothing stopped me")
    except notes.RefusedError as error:
        report.steps.append(f"tried to delete the note, which is not allowed here: {error}")
