"""A request that is sent over and over, and where its answer ends."""

import json

import pytest
from bench import answers
from bench.answers import Answers
from bench.call import HELD, JSON, LARGE, SSE, Answer, Call, Shape, bearer, body

SHAPES = (JSON, LARGE, SSE, HELD)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_body_has_the_shape_that_was_asked_for(shape: Shape) -> None:
    request = json.loads(body(shape, "gpt-test"))
    assert request["model"] == "gpt-test"
    assert request.get("stream", False) is shape.stream
    (message,) = request["messages"]
    assert abs(len(message["content"]) - shape.prompt_bytes) < 20


def test_a_request_carries_its_headers_and_its_length() -> None:
    head, _, content = Call(8000, "{}", bearer("token")).request().partition(b"\r\n\r\n")
    assert content == b"{}"
    assert head.split(b"\r\n") == [
        b"POST /v1/chat/completions HTTP/1.1",
        b"host: 127.0.0.1:8000",
        b"content-type: application/json",
        b"content-length: 2",
        b"authorization: Bearer token",
    ]


@pytest.mark.parametrize("step", [1, 2, 7, 100_000])
@pytest.mark.parametrize("given", [answers.chat(3), answers.messages(3)], ids=["chat", "messages"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_answer_ends_with_its_last_byte_however_it_is_cut(
    given: Answers, stream: bool, step: int
) -> None:
    data = b"".join(given.stream) if stream else given.plain
    answer = Answer()
    ended = [answer.feed(data[at : at + step]) for at in range(0, len(data), step)]
    assert ended == [False] * (len(ended) - 1) + [True]
    assert answer.status == 200


def test_an_answer_counts_the_events_that_came_whole() -> None:
    answer = Answer()
    for part in answers.chat(5).stream:
        answer.feed(part)
    assert answer.events == 5 + len(("usage", "DONE"))


def test_an_answer_without_a_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither content-length nor chunked"):
        Answer().feed(b"HTTP/1.1 200 OK\r\n\r\n")
