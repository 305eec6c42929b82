from pai.dialect.conversation import Thinking, ToolCall
from pai.dialect.openai.thoughts import (
    Detail,
    call_detail,
    call_seals,
    detail_of,
    thoughts_of,
)

CLAUDE, GEMINI = "anthropic-claude-v1", "google-gemini-v1"


def test_details_carry_text_and_seal() -> None:
    found = thoughts_of(
        [
            Detail(type="reasoning.text", text="hm", signature="s", format=CLAUDE, index=0),
            Detail(type="reasoning.encrypted", data="x", format="openai-responses-v1", index=1),
            Detail(type="reasoning.summary", summary="in short", format="unknown", index=2),
            Detail(type="reasoning.text", index=3),
        ],
        "not looked at",
        (),
    )
    assert found == [
        Thinking(text="hm", seal="s", vendor="anthropic"),
        Thinking(seal="x", vendor="openai", hidden=True),
        Thinking(text="in short"),
    ]


def test_pieces_collected_one_by_one_are_one_thought() -> None:
    pieces = [
        Detail(type="reasoning.text", text="h", format=CLAUDE, index=0),
        Detail(type="reasoning.text", text="m", index=0),
        Detail(type="reasoning.text", signature="s", index=0),
        Detail(type="reasoning.text", text="other"),
    ]
    assert thoughts_of(pieces, "", ()) == [
        Thinking(text="hm", seal="s", vendor="anthropic"),
        Thinking(text="other"),
    ]


def test_the_plain_text_counts_where_no_detail_has_text() -> None:
    signed = Detail(type="reasoning.text", signature="s", format=CLAUDE)
    hidden = Detail(type="reasoning.encrypted", data="x", format=GEMINI)
    assert thoughts_of((), "hm", ()) == [Thinking(text="hm")]
    assert thoughts_of((), "", ()) == []
    assert thoughts_of([hidden, signed], "hm", ()) == [
        Thinking(seal="x", vendor="gemini", hidden=True),
        Thinking(text="hm", seal="s", vendor="anthropic"),
    ]
    assert thoughts_of([hidden], "hm", ()) == [
        Thinking(text="hm"),
        Thinking(seal="x", vendor="gemini", hidden=True),
    ]


def test_a_seal_of_a_call_is_no_thought() -> None:
    detail = Detail(type="reasoning.encrypted", data="s", id="c1", format=GEMINI)
    assert call_seals([detail]) == {"c1": "s"}
    assert thoughts_of([detail], "", ["c1"]) == []
    assert thoughts_of([detail], "", ["c2"]) == [Thinking(seal="s", vendor="gemini", hidden=True)]


def test_details_are_written() -> None:
    hidden = Thinking(seal="x", vendor="openai", hidden=True)
    assert detail_of(hidden, 1) == {
        "type": "reasoning.encrypted",
        "index": 1,
        "format": "openai-responses-v1",
        "data": "x",
    }
    assert detail_of(Thinking(text="hm", seal="s", vendor="anthropic"), 0) == {
        "type": "reasoning.text",
        "index": 0,
        "format": CLAUDE,
        "text": "hm",
        "signature": "s",
    }
    assert detail_of(Thinking(), 0) == {
        "type": "reasoning.text",
        "index": 0,
        "format": "unknown",
    }
    assert call_detail(ToolCall(id="c1", name="a", vendor="gemini"), 2, "s") == {
        "type": "reasoning.encrypted",
        "index": 2,
        "format": GEMINI,
        "id": "c1",
        "data": "s",
    }
