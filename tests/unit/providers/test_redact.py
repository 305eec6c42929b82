import base64
import html
import json
from urllib.parse import quote

import pytest

from pai.providers.redact import Redactor

REAL = b"real/Token+42=&<x>"
DUMMY = b"pai-dummy-0123456789"


def redact(data: bytes) -> bytes:
    redactor = Redactor((REAL,), DUMMY)
    return redactor.feed(data) + redactor.finish()


@pytest.mark.parametrize(
    "spelled",
    [
        REAL,
        quote(REAL, safe="").encode(),
        quote(REAL, safe="").lower().replace("token", "Token").encode(),
        json.dumps(REAL.decode())[1:-1].encode(),
        json.dumps(REAL.decode())[1:-1].replace("/", "\\/").encode(),
        json.dumps(REAL.decode())[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("=", "\\u003d")
        .replace("+", "\\u002b")
        .encode(),
        html.escape(REAL.decode()).encode(),
    ],
)
def test_each_spelling_of_the_secret_is_replaced(spelled: bytes) -> None:
    out = redact(b'{"a": "' + spelled + b'"}')
    assert spelled not in out
    assert out == b'{"a": "' + DUMMY + b'"}'


@pytest.mark.parametrize("user", [b"", b"u:", b"us:", b"user:", b"x-access-token:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_replaced_at_every_alignment(user: bytes, encode: object) -> None:
    assert callable(encode)
    encoded = encode(user + REAL + b":tail")
    out = redact(b"Basic " + encoded)
    assert len(out) == len(b"Basic " + encoded)
    decoded = base64.urlsafe_b64decode(out[6:].replace(b"+", b"-").replace(b"/", b"_"))
    assert REAL not in decoded
    assert REAL[2:-2] not in decoded


def test_a_text_without_the_secret_is_the_same_object() -> None:
    redactor = Redactor((REAL,), DUMMY)
    chunk = b"nothing to see" * 1000
    assert redactor.feed(chunk) is chunk
    assert redactor.finish() == b""


def test_only_what_may_begin_a_secret_is_held_back() -> None:
    redactor = Redactor((REAL,), DUMMY)
    assert redactor.feed(b"data: real/To") == b"data: "
    assert redactor.feed(b"m\n\n") == b"real/Tom\n\n"


def test_a_beginning_at_the_end_comes_out_at_the_finish() -> None:
    redactor = Redactor((REAL,), DUMMY)
    assert redactor.feed(REAL[:-1]) == b""
    assert redactor.finish() == REAL[:-1]


def test_headers_are_replaced_and_a_telling_name_goes() -> None:
    redactor = Redactor((b"tok123",), b"dummy")
    headers = [(b"x-echo", b"Bearer tok123"), (b"x-tok123", b"1"), (b"x-plain", b"y")]
    assert redactor.headers(headers) == [(b"x-echo", b"Bearer dummy"), (b"x-plain", b"y")]


def test_several_secrets_are_replaced_the_longest_first() -> None:
    redactor = Redactor((b"abcd", b"abcdef"), b"-")
    assert redactor.replace(b"abcdef abcde") == b"- -e"


def test_an_empty_secret_replaces_nothing() -> None:
    redactor = Redactor((b"", b""), b"dummy")
    assert redactor.feed(b"abc") + redactor.finish() == b"abc"


def test_a_fresh_redactor_shares_no_state() -> None:
    redactor = Redactor((REAL,), DUMMY)
    redactor.feed(REAL[:5])
    assert redactor.fresh().finish() == b""
    assert redactor.finish() == REAL[:5]
