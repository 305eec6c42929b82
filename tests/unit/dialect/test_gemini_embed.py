import json
from typing import Any

import pytest
from tests.unit.dialect.gemini_calls import sent

from pai.budget.price import Tokens
from pai.dialect.conversation import Conversation, Texts
from pai.dialect.gemini import (
    EMBED_CLIENT,
    EMBED_ONE_CLIENT,
    EMBED_ONE_VENDOR,
    EMBED_VENDOR,
    EmbedRequest,
)
from pai.dialect.refused import BadRequestError, UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call


def content(*texts: str) -> dict[str, Any]:
    return {"parts": [{"text": each} for each in texts]}


def one(**fields: Any) -> EmbedRequest:
    body = json.dumps({"model": "models/x", **fields}).encode()
    found = EMBED_ONE_CLIENT.read(Call(body, "small", "embedContent"))
    assert isinstance(found, EmbedRequest)
    return found


def several(*requests: dict[str, Any], **fields: Any) -> EmbedRequest:
    body = json.dumps({"requests": requests, **fields}).encode()
    found = EMBED_CLIENT.read(Call(body, "small", "batchEmbedContents"))
    assert isinstance(found, EmbedRequest)
    return found


def test_one_text() -> None:
    found = one(
        content=content("a", "b"), taskType="RETRIEVAL_QUERY", title="t", output_dimensionality=8
    )
    assert (found.model, found.cap, found.stream, found.answers) == ("small", 0, False, 1)
    assert not found.wants_usage
    assert found.shape.messages == 1
    assert found.meaning() == Texts(
        texts=("a\nb",), dimensions=8, task="RETRIEVAL_QUERY", title="t"
    )
    body = sent(found.body_for("gemini-embedding-001", 0, ""))
    assert "model" not in body
    assert body["output_dimensionality"] == 8


def test_several_texts_each_name_the_model_that_was_allowed() -> None:
    found = several(
        {"model": "models/x", "content": content("a")}, {"content": content("b")}, extra=1
    )
    assert found.shape.messages == 2
    assert found.meaning() == Texts(texts=("a", "b"))
    assert sent(found.body_for("gemini-embedding-001", 0, "")) == {
        "requests": [
            {"model": "models/gemini-embedding-001", "content": content("a")},
            {"content": content("b"), "model": "models/gemini-embedding-001"},
        ],
        "extra": 1,
    }


def test_titles_that_differ_are_advice() -> None:
    texts = several(
        {"content": content("a"), "title": "1"}, {"content": content("b"), "title": "2"}
    ).meaning()
    assert (texts.title, texts.advisory) == ("", ("title",))


def test_what_the_vendor_fetches_has_no_bound() -> None:
    assert one(content={"parts": [{"fileData": {}}]}).shape.unbounded == 1
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert several({"content": {"parts": picture}}).shape.images == 1


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{}],
        [{"content": {"parts": 5}}],
    ],
)
def test_what_is_out_of_shape_is_refused(requests: list[dict[str, Any]]) -> None:
    with pytest.raises(BadRequestError):
        several(*requests).meaning()


@pytest.mark.parametrize(
    "body",
    [
        b'{"requests":5}',
        b'{"requests":[5]}',
        b'{"Requests":[]}',
        b'{"requests":[{"Model":"models/x"}]}',
        b"[]",
        b"{}",
    ],
)
def test_what_could_slip_past_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        EMBED_CLIENT.read(Call(body, "small", "batchEmbedContents"))


@pytest.mark.parametrize(
    "requests",
    [
        [{"content": content("a")}, {"content": content("b"), "taskType": "X"}],
        [{"content": content("a"), "outputDimensionality": 1}, {"content": content("b")}],
        [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "A"}}]}}],
        [{"content": content("a"), "embedContentConfig": {}}],
    ],
)
def test_what_other_vendors_lack_is_refused_when_translated(requests: list[Any]) -> None:
    asked = several(*requests)
    with pytest.raises(UnsupportedError):
        asked.meaning()


def test_texts_are_written_for_google() -> None:
    texts = Texts(texts=("a", "b"), dimensions=8, task="X", title="t", advisory=("user",))
    written = EMBED_VENDOR.write(texts, "gemini-embedding-001", 0)
    manner = {
        "model": "models/gemini-embedding-001",
        "taskType": "X",
        "title": "t",
        "outputDimensionality": 8,
    }
    assert sent(written.body) == {
        "requests": [{**manner, "content": content(each)} for each in ("a", "b")]
    }
    assert written.dropped == ("user",)
    plain = sent(EMBED_VENDOR.write(Texts(texts=("a",)), "m", 0).body)
    assert plain == {"requests": [{"model": "models/m", "content": content("a")}]}
    with pytest.raises(UnsupportedError):
        EMBED_VENDOR.write(Conversation(turns=()), "m", 0)


def test_paths() -> None:
    many = b"/v1beta/models/m:batchEmbedContents"
    assert EMBED_VENDOR.target("", "m", stream=False) == many
    single = b"/v1/models/m:embedContent"
    assert EMBED_ONE_VENDOR.target("/v1", "m", stream=True) == single


def test_vectors_come_in_the_shape_of_the_clients_path() -> None:
    found = Vectors(model="m", vectors=((0.5, 1.0), (2.0,)), tokens=Tokens(3))
    many = EMBED_CLIENT.vectors(found, several({"content": content("a")}))
    assert sent(many) == {
        "embeddings": [{"values": [0.5, 1.0]}, {"values": [2.0]}],
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
    }
    assert EMBED_VENDOR.vectors(many, "m") == found
    asked = one(content=content("a"))
    single = EMBED_ONE_CLIENT.vectors(Vectors(model="m", vectors=((0.5,),)), asked)
    assert sent(single) == {"embedding": {"values": [0.5]}}
    assert EMBED_VENDOR.vectors(single, "m") == Vectors(model="m", vectors=((0.5,),))
    empty = EMBED_ONE_CLIENT.vectors(Vectors(model="m", vectors=()), asked)
    assert sent(empty) == {"embedding": {"values": []}}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embedding":{"values":["x"]}}'])
def test_what_holds_no_embeddings(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        EMBED_VENDOR.vectors(body, "m")


def test_embeddings_are_neither_a_conversation_nor_a_stream() -> None:
    asked = one(content=content("a"))
    with pytest.raises(TypeError):
        EMBED_CLIENT.reply(Reply(id="", model="", choices=()), asked)
    with pytest.raises(TypeError):
        EMBED_CLIENT.writer(asked)
    assert EMBED_CLIENT.stream_type(asked) == b"application/json"
