"""What sidecars and gateway say to each other about names: both ends are equally strict."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pai.wire.dns import AAAA, A, DnsFormatError, Question
from pai.wire.dns.message import encode_name
from pai.wire.dns.over_gateway import PATH, answer_of, question_of, target_of

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63)
NAME = st.lists(LABEL, min_size=1, max_size=8).map(".".join).filter(lambda name: len(name) <= 253)
TYPES = st.sampled_from([A, AAAA])


@settings(max_examples=200, deadline=None)
@given(name=NAME, qtype=TYPES)
def test_a_question_comes_back_as_it_was(name: str, qtype: int) -> None:
    question = Question(name, qtype)
    path, _, query = target_of(question).partition(b"?")
    assert path == PATH
    assert question_of(query) == question
    assert encode_name(name)  # and can be asked of a nameserver


@settings(max_examples=300, deadline=None)
@given(name=st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_a_target_never_holds_more_than_a_name(name: str) -> None:
    try:
        target = target_of(Question(name, A))
    except DnsFormatError:
        return
    assert target == PATH + b"?name=" + name.encode("ascii") + b"&type=A"
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-_.")


@settings(max_examples=300, deadline=None)
@given(query=st.binary(max_size=300) | st.from_regex(rb"name=.{0,80}&type=AA?A?A?", fullmatch=True))
def test_no_query_breaks_the_reader(query: bytes) -> None:
    try:
        question = question_of(query)
    except DnsFormatError:
        return
    assert target_of(question) == PATH + b"?" + query


def test_only_addresses_can_be_asked_for() -> None:
    for qtype in (16, 5, 255, 0):
        with pytest.raises(DnsFormatError, match="addresses"):
            target_of(Question("a.test", qtype))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"addresses": ["1.2.3.4"]}',
        b'{"addresses": "1.2.3.4", "ttl": 1}',
        b'{"addresses": ["localhost"], "ttl": 1}',
        b'{"addresses": ["1.2.3.4:80"], "ttl": 1}',
        b'{"addresses": ["0x7f.1"], "ttl": 1}',
        b'{"addresses": ["fd00::1"], "ttl": 1}',
        b'{"addresses": ["1.2.3.4", "::1"], "ttl": 1}',
        b'{"addresses": [16909060], "ttl": 1}',
        b'{"addresses": ["1.2.3.4"], "ttl": "60"}',
        b'{"addresses": [' + b", ".join([b'"1.2.3.4"'] * 9) + b'], "ttl": 1}',
        b'{"addresses": [], "ttl": NaN}',
    ],
)
def test_an_answer_that_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(DnsFormatError, match="an answer"):
        answer_of(body, Question("a.test", A))
