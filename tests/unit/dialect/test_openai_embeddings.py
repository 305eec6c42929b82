import json
from array import array
from base64 import b64decode, b64encode
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from pai.budget.estimate import InputShape
from pai.budget.price import Tokens
from pai.dialect.conversation import Conversation, Texts
from pai.dialect.openai import (
    EMBEDDINGS_CLIENT,
    EMBEDDINGS_VENDOR,
    BadRequestError,
    EmbeddingRequest,
)
from pai.dialect.openai import embeddings_answer as answers
from pai.dialect.refused import Refused, UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call

VECTORS = Vectors(model="m", vectors=((0.5, -1.0), (0.25, 2.0)), tokens=Tokens(7))


def read(**fields: Any) -> EmbeddingRequest:
    request = EMBEDDINGS_CLIENT.read(Call(json.dumps(fields).encode()))
    assert isinstance(request, EmbeddingRequest)
    return request


def test_nothing_changes_but_the_model() -> None:
    body = b'{"model":"x", "input":[5, 6], "dimensions":2,"odd":1e2}'
    request = EMBEDDINGS_CLIENT.read(Call(body))
    out = request.body_for("m", 9, "max_tokens")
    assert out == b'{"model":"m","input":[5, 6],"dimensions":2,"odd":1e2}'
    assert (request.cap, request.answers, request.stream, request.wants_usage) == (
        0,
        1,
        False,
        False,
    )
    assert read(input=["a", "b"]).shape == InputShape(len(b'{"input": ["a", "b"]}'), messages=2)


def test_texts_mean_the_same_everywhere() -> None:
    assert read(input="a", dimensions=3, user="u").meaning() == Texts(
        texts=("a",), dimensions=3, advisory=("user",)
    )
    assert read(input=["a", "b"], encoding_format="base64").meaning() == Texts(texts=("a", "b"))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [5, 6]}, "input"),
        ({"input": [[5], [6]]}, "input"),
        ({"input": "a", "input_type": "query"}, "input_type"),
    ],
)
def test_what_only_one_vendor_has_is_refused_by_name(fields: Any, param: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(**fields).meaning()
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": 5}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"models": ["a"]}, "models"),
        ({"MODEL": "a"}, "MODEL"),
    ],
)
def test_requests_out_of_shape_are_refused_by_name(fields: Any, param: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize("fields", [{}, {"input": []}, {"input": ""}])
def test_nothing_to_embed_is_refused(fields: Any) -> None:
    with pytest.raises(BadRequestError):
        read(**fields).meaning()


def test_answers_are_floats_or_base64() -> None:
    body = EMBEDDINGS_CLIENT.vectors(VECTORS, read(input=["a", "b"]))
    found = CreateEmbeddingResponse.model_validate_json(body, strict=True)
    assert [each.embedding for each in found.data] == [[0.5, -1.0], [0.25, 2.0]]
    assert [each.index for each in found.data] == [0, 1]
    assert (found.usage.prompt_tokens, found.usage.total_tokens) == (7, 7)
    packed = EMBEDDINGS_CLIENT.vectors(VECTORS, read(input="a", encoding_format="base64"))
    first = json.loads(packed)["data"][0]["embedding"]
    assert b64decode(first) == b"\x00\x00\x00\x3f\x00\x00\x80\xbf"
    unknown = EMBEDDINGS_CLIENT.vectors(Vectors(model="m", vectors=()), read(input="a"))
    assert json.loads(unknown)["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


def test_floats_are_little_endian_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    there = answers._packed((0.5, 1.0))
    monkeypatch.setattr(answers, "byteorder", "big")
    swapped = array("f", (0.5, 1.0))
    swapped.byteswap()
    assert b64decode(answers._packed((0.5, 1.0))) == swapped.tobytes() != b64decode(there)


def test_requests_are_written() -> None:
    written = EMBEDDINGS_VENDOR.write(
        Texts(texts=("a", "b"), dimensions=3, task="RETRIEVAL_QUERY", title="t", advisory=("x",)),
        "m",
        0,
    )
    assert json.loads(written.body) == {"model": "m", "input": ["a", "b"], "dimensions": 3}
    assert written.dropped == ("taskType", "title", "x")
    plain = EMBEDDINGS_VENDOR.write(Texts(texts=("a",)), "m", 0)
    assert (json.loads(plain.body), plain.dropped) == ({"model": "m", "input": ["a"]}, ())
    with pytest.raises(UnsupportedError):
        EMBEDDINGS_VENDOR.write(Conversation(turns=()), "m", 0)


def test_answers_are_read_in_order() -> None:
    assert EMBEDDINGS_VENDOR.target("/v1", "m", stream=False) == b"/v1/embeddings"
    packed = b64encode(b"\x00\x00\x00\x3f\x00\x00\x80\xbf").decode()
    body = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 1, "embedding": [0.25, 2]},
            {"object": "embedding", "index": 0, "embedding": packed},
        ],
        "model": "m",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }
    assert EMBEDDINGS_VENDOR.vectors(json.dumps(body).encode(), "n") == VECTORS
    bare = EMBEDDINGS_VENDOR.vectors(b'{"data":[{"embedding":[1]},{"embedding":[2]}]}', "n")
    assert bare == Vectors(model="n", vectors=((1.0,), (2.0,)))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"data":[{"embedding":"?"}]}', b'{"data":[{"embedding":"AAA="}]}'],
)
def test_what_holds_no_embeddings_is_told(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        EMBEDDINGS_VENDOR.vectors(body, "m")


def test_embeddings_are_no_conversation() -> None:
    assert EMBEDDINGS_CLIENT.error(Refused.BAD_BODY, "why", None)[0] == 400
    assert EMBEDDINGS_CLIENT.stream_type(read(input="a")) == b"text/event-stream"
    with pytest.raises(TypeError):
        EMBEDDINGS_CLIENT.writer(read(input="a"))
    with pytest.raises(TypeError):
        EMBEDDINGS_CLIENT.reply(Reply(id="1", model="m", choices=()), read(input="a"))
