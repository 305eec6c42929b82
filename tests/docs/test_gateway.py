"""docs/gateway.md holds the refusals, the paths and the figures of the code."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from pai.dialect.anthropic import MESSAGES_CLIENT, MESSAGES_VENDOR
from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Part,
    Reasoning,
    Text,
    Texts,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from pai.dialect.effort import EFFORTS, NO_EFFORT, budget_of
from pai.dialect.gemini import EMBED_VENDOR, GENERATE_CLIENT, GENERATE_VENDOR
from pai.dialect.openai import CHAT_CLIENT, CHAT_VENDOR, EMBEDDINGS_VENDOR
from pai.dialect.openai.errors import _TABLE as OPENAI
from pai.dialect.refused import Refused, UnsupportedError
from pai.dialect.responses import RESPONSES_VENDOR
from pai.dialect.sides import VendorSide
from pai.gateway.breaker import FAILURES, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from pai.gateway.operations import Kind, operation_of
from pai.ir.agent import Retry, Timeouts
from pai.translate.vendors import LLM_HOSTS
from pai.wire.message import RequestHead

PAGE = Path("docs/gateway.md").read_text(encoding="utf-8")
CELL = re.compile(r"(\d{3}) `(\w+)`\Z")


def rows(section: str, columns: int) -> dict[str, list[str]]:
    """Return the rows of a section's tables, by their first cell."""
    text = PAGE.split(f"# {section}\n")[1].split("\n#")[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and not line.startswith("|---"):
            found[cells[0]] = cells[1:]
    return found


def told(cell: str) -> tuple[int, str]:
    match = CELL.match(cell)
    assert match is not None, cell
    return int(match[1]), match[2]


def test_every_refusal_has_a_row_and_no_row_is_left_over() -> None:
    names = list(rows("Errors", 5))[1:]
    assert names == [f"`{each.name}`" for each in Refused]


@pytest.mark.parametrize("refused", Refused, ids=lambda each: each.name)
def test_a_refusal_is_told_as_the_page_says(refused: Refused) -> None:
    openai, anthropic, gemini, when = rows("Errors", 5)[f"`{refused.name}`"]
    status, kind, code = OPENAI[refused]
    assert told(openai) == (status, code or kind)
    for cell, client in (
        (openai, CHAT_CLIENT),
        (anthropic, MESSAGES_CLIENT),
        (gemini, GENERATE_CLIENT),
    ):
        status, word = told(cell)
        answered, body = client.error(refused, "no", None)
        assert answered == status
        assert f'"{word}"'.encode() in body
    assert when


def test_every_cell_of_the_matrix_is_filled() -> None:
    matrix = rows("Dialects", 5)
    assert matrix["the same API"] == ["native"] * 4
    assert len(matrix) > 40
    assert all(all(cells) for cells in matrix.values())


TALKERS: tuple[tuple[VendorSide, str], ...] = (
    (CHAT_VENDOR, "llama-3.3-70b"),
    (RESPONSES_VENDOR, "gpt-5"),
    (MESSAGES_VENDOR, "claude-opus-4-6"),
    (GENERATE_VENDOR, "gemini-3-pro"),
)
SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
TOOL = Tool(name="look", schema=SCHEMA)
CALL = ToolCall(id="call_1", name="look")
PNG = Media(sort="image", media_type="image/png", data="AAAA")


def says(*parts: Part, **more: Any) -> Conversation:
    return Conversation(turns=(Turn("user", parts or (Text(text="hi"),)),), **more)


def after_call(*given: Text | Media, failed: bool = False) -> Conversation:
    result = ToolResult(id="call_1", parts=given, failed=failed)
    turns = (
        Turn("user", (Text(text="hi"),)),
        Turn("assistant", (CALL,)),
        Turn("user", (result,)),
    )
    return Conversation(turns=turns, tools=(TOOL,))


# A row of the matrix, and what asks for it; each cell must name what comes of it.
ASKING: dict[str, Conversation] = {
    "text": says(),
    "system instructions": says(system=(Text(text="be brief"),)),
    "images inline": says(PNG),
    "images by URL": says(Media(sort="image", url="https://a.example/b.png")),
    "`detail` of an image": says(msgspec.structs.replace(PNG, detail="low")),
    "files inline": says(Media(sort="file", media_type="application/pdf", data="AAAA")),
    "files by URL": says(Media(sort="file", url="https://a.example/b.pdf")),
    "files by a vendor's id": says(Media(sort="file", file_id="file-1")),
    "audio inline": says(Media(sort="audio", media_type="audio/wav", data="AAAA")),
    "video": says(Media(sort="video", media_type="video/mp4", data="AAAA")),
    "media in the model's own turns": Conversation(
        turns=(Turn("user", (Text(text="a"),)), Turn("assistant", (PNG,)), Turn("user", (PNG,)))
    ),
    "tools": says(tools=(TOOL,)),
    "`strict` tools": says(tools=(msgspec.structs.replace(TOOL, strict=True),)),
    "no parallel calls wanted": says(tools=(TOOL,), parallel_tools=False),
    "tool results": after_call(Text(text="sunny")),
    "tool results with images": after_call(PNG),
    "tool choice": says(tools=(TOOL,), tool_choice=ToolChoice("any")),
    "choice among some tools": says(tools=(TOOL,), tool_choice=ToolChoice("auto", names=("look",))),
    "JSON by a schema": says(output=OutputFormat(schema=SCHEMA)),
    "JSON without a schema": says(output=OutputFormat()),
    "stop sequences": says(stops=("END",)),
    "`temperature`": says(temperature=0.5),
    "`top_p`": says(top_p=0.5),
    "`top_k`": says(top_k=5),
    "`seed`": says(seed=5),
    "presence and frequency penalty": says(presence_penalty=0.5),
    "several answers (`n`)": says(answers=2),
    "log probabilities": says(top_logprobs=1),
    "reasoning: effort or budget": says(reasoning=Reasoning(effort="low")),
    "cache marks": says(Text(text="hi", cache=True)),
}


def outcome(vendor: VendorSide, model: str, meaning: Conversation | Texts) -> str:
    try:
        written = vendor.write(meaning, model, 4096)
    except UnsupportedError:
        return "refused"
    return "named" if written.dropped else "translated"


@pytest.mark.parametrize("row", ASKING)
def test_what_a_cell_says_is_what_comes_of_it(row: str) -> None:
    cells = rows("Dialects", 5)[row]
    for cell, (vendor, model) in zip(cells, TALKERS, strict=True):
        assert outcome(vendor, model, ASKING[row]) in cell, (vendor.name, cell)


def test_embeddings_go_where_the_page_says() -> None:
    texts = Texts(texts=("a",))
    *_, lacking, gemini = rows("Dialects", 5)["embeddings"]
    assert outcome(EMBEDDINGS_VENDOR, "e", texts) == outcome(EMBED_VENDOR, "e", texts) == gemini
    assert lacking == str(MESSAGES_CLIENT.error(Refused.UNSUPPORTED_VENDOR, "", None)[0])


def paths() -> list[tuple[bytes, bytes]]:
    served = " ".join(" ".join(cells) for cells in rows("APIs that are served", 2).values())
    methods = re.findall(r"`(\w+(?:Content|Tokens|Contents))`", served)
    assert len(methods) == 5
    found = re.findall(r"`(GET|POST) (/[\w/]+(?:/MODEL)?(?::METHOD)?)`", served)
    return [
        (method.encode(), path.replace("METHOD", name).encode())
        for method, path in found
        for name in (methods if "METHOD" in path else [""])
    ]


@pytest.mark.parametrize(("method", "path"), paths())
def test_every_path_of_the_page_is_served(method: bytes, path: bytes) -> None:
    head = RequestHead()
    head.method, head.target, head.path, head.query = method, path, path, b""
    head.headers = []
    operation = operation_of(head)
    assert operation.kind not in (Kind.UNKNOWN, Kind.STORED)
    assert operation.method == method


def test_the_page_names_every_host_that_leads_to_the_gateway() -> None:
    assert [host for host in LLM_HOSTS if f"`{host}`" not in PAGE] == []


def test_figures_are_those_of_the_code() -> None:
    timeouts, retry = Timeouts(), Retry()
    for name, seconds in (
        ("connectSeconds", timeouts.connect_seconds),
        ("firstByteSeconds", timeouts.first_byte_seconds),
        ("idleSeconds", timeouts.idle_seconds),
        ("totalSeconds", timeouts.total_seconds),
    ):
        assert f"| `{name}` | {seconds:g} s |" in PAGE
    assert f"`retry.maxAttempts` ({retry.max_attempts})" in PAGE
    assert (
        f"`minBackoffMs` ({retry.min_backoff_ms}) to `maxBackoffMs` ({retry.max_backoff_ms})"
        in (PAGE)
    )
    assert f"after {FAILURES} failures in a row" in PAGE
    assert f"not asked for {FIRST_PAUSE_SECONDS:g} s" in PAGE
    assert f"up to {LONGEST_PAUSE_SECONDS:g} s" in PAGE
    for effort in EFFORTS:
        assert effort == NO_EFFORT or f"{effort} {budget_of(effort):,}" in PAGE
