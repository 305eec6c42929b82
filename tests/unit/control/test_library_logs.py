import asyncio
import json
import logging
from collections.abc import Iterator

import pytest

from pai.control.library_logs import Passing
from pai.wire import log


@pytest.fixture
def lines() -> Iterator[list[bytes]]:
    found: list[bytes] = []
    log.configure(found.append)
    yield found
    log.configure()


@pytest.fixture
def logger() -> logging.Logger:
    made = logging.Logger("library")
    made.addHandler(Passing())
    return made


def test_of_an_exception_only_type_and_place_are_told(
    lines: list[bytes], logger: logging.Logger
) -> None:
    try:
        raise ValueError("canary in the text")
    except ValueError:
        logger.exception("canary in the message of %s", "a caller")
    [line] = lines
    assert b"canary in the text" not in line
    told = json.loads(line)
    assert (told["error"], told["level"]) == ("ValueError", "error")
    assert any("test_library_logs" in place for place in told["trace"])


def test_what_is_expected_is_not_told(lines: list[bytes], logger: logging.Logger) -> None:
    logger.error("ASGI callable returned without completing handshake.")
    logger.error("Cancel 2 running task(s), timeout graceful shutdown exceeded")
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError:
        logger.exception("ended")
    assert lines == []
    logger.warning("port %d is odd", 7)
    logger.error("this counts")
    assert [json.loads(line)["message"] for line in lines] == ["port 7 is odd", "this counts"]
