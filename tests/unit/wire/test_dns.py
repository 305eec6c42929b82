"""DNS: the codec on hostile bytes, the client against odd servers, the responder."""

import asyncio
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire.nameserver import good, start, start_with_tcp, stop

from pai.ir.snapshot import Network
from pai.wire.client import ClientPool, Endpoint
from pai.wire.dial import Dialer
from pai.wire.dns import (
    AAAA,
    A,
    Answer,
    DnsFormatError,
    DnsResponder,
    Question,
    ResolveError,
    Resolver,
)
from pai.wire.dns.message import (
    CNAME,
    NXDOMAIN,
    SERVFAIL,
    decode,
    decode_name,
    encode_name,
    encode_query,
    encode_response,
    follow,
)
from pai.wire.dns.resolver import parse_server
from pai.wire.dns.responder import respond
from pai.wire.errors import UpstreamError

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join)


@settings(max_examples=200, deadline=None)
@given(name=NAME, number=st.integers(0, 65535), qtype=st.sampled_from([A, AAAA, 65]))
def test_a_query_comes_back_as_it_was(name: str, number: int, qtype: int) -> None:
    message = decode(encode_query(number, Question(name, qtype)))
    assert (message.id, message.questions) == (number, (Question(name, qtype),))
    assert not message.response


@settings(max_examples=100, deadline=None)
@given(name=NAME, addresses=st.lists(st.ip_addresses().map(str), max_size=6))
def test_a_response_holds_the_addresses_of_its_type(name: str, addresses: list[str]) -> None:
    for qtype, version in ((A, 4), (AAAA, 6)):
        question = Question(name, qtype)
        message = decode(encode_response(1, question, addresses, ttl=7))
        expected = [a for a in addresses if ("." in a and ":" not in a) == (version == 4)]
        assert follow(message, question) == (expected, 7 if expected else 0x7FFFFFFF)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200), flip=st.integers(0, 10_000))
def test_no_bytes_break_the_codec(data: bytes, flip: int) -> None:
    good = encode_response(1, Question("a.example", A), ["1.2.3.4"] * 3)
    place = flip % len(good)
    for candidate in (data, good[:place] + data[:3] + good[place + 1 :], good[:12] + data):
        try:
            decode(candidate)
        except DnsFormatError:
            continue
        finally:
            respond(candidate, lambda name, qtype: Answer(("1.2.3.4",)))


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0\x00",  # points to itself
        b"\x01a\xc0\x00",  # a loop
        b"\xc0\x02\xc0\x00",  # forwards
        b"\x40" + b"a" * 64 + b"\0",  # a label of 64
        b"\x03ab",  # cut
        b"\x02a.\0",  # a dot in a label
        b"\x02a \0",
        b"\x02a\0\0",
        b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 4 + b"\0",  # more than 255
        b"",
    ],
)
def test_names_that_are_none(data: bytes) -> None:
    with pytest.raises(DnsFormatError):
        decode_name(data, 0)


@pytest.mark.parametrize("name", ["a..b", "a b", "caf\xe9", "x" * 64, ".".join(["x" * 60] * 5)])
def test_names_that_can_not_be_asked(name: str) -> None:
    with pytest.raises(DnsFormatError):
        encode_name(name)


def test_a_backward_pointer_is_followed() -> None:
    data = b"\x01b\x00\x01a\xc0\x00"
    assert decode_name(data, 3) == ("a.b", 7)


def test_records_off_the_alias_chain_are_ignored() -> None:
    body = encode_query(5, Question("a.test", A))[12:]
    records = b""
    for owner, kind, value in (
        ("a.test", CNAME, encode_name("b.test")),
        ("b.test", A, bytes([1, 1, 1, 1])),
        ("evil.test", A, bytes([6, 6, 6, 6])),
    ):
        records += encode_name(owner) + struct.pack("!HHIH", kind, 1, 60, len(value)) + value
    message = decode(struct.pack("!6H", 5, 0x8180, 1, 3, 0, 0) + body + records)
    assert follow(message, Question("a.test", A)) == (["1.1.1.1"], 60)
    assert follow(message, Question("c.test", A))[0] == []


def test_alias_loops_end() -> None:
    records = b""
    for owner, target in (("a.test", "b.test"), ("b.test", "a.test")):
        value = encode_name(target)
        records += encode_name(owner) + struct.pack("!HHIH", CNAME, 1, 60, len(value)) + value
    message = decode(struct.pack("!6H", 5, 0x8180, 0, 2, 0, 0) + records)
    assert follow(message, Question("a.test", A))[0] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.1.1.1", ("1.1.1.1", 53)),
        ("1.1.1.1:5353", ("1.1.1.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]:54", ("::1", 54)),
        ("[::1]", ("::1", 53)),
    ],
)
def test_servers_are_read(text: str, expected: tuple[str, int]) -> None:
    assert parse_server(text) == expected


# The client, against servers of the test


async def test_answers_are_cached_and_shared() -> None:
    server, at = await start(good)
    resolver = Resolver((at,))
    answers = await asyncio.gather(*(resolver.resolve("A.Test.") for _ in range(5)))
    assert set(answers) == {("1.2.3.4",)}
    assert await resolver.resolve("a.test") == ("1.2.3.4",)
    assert server.asked == 1
    assert await resolver.resolve_all("a.test") == ("1.2.3.4", "2606::1")
    assert server.asked == 2
    stop(server)


async def test_no_such_name_is_an_empty_answer_that_is_cached() -> None:
    def missing(data: bytes) -> list[bytes]:
        query = decode(data)
        return [encode_response(query.id, query.questions[0], rcode=NXDOMAIN)]

    server, at = await start(missing)
    resolver = Resolver((at,))
    assert await resolver.resolve("no.test") == ()
    assert await resolver.resolve("no.test") == ()
    assert server.asked == 1
    stop(server)


async def test_answers_to_other_questions_are_not_believed() -> None:
    def forged(data: bytes) -> list[bytes]:
        query = decode(data)
        question = query.questions[0]
        wrong = ["6.6.6.6"]
        return [
            encode_response(query.id ^ 1, question, wrong),
            encode_response(query.id, Question("other.test", A), wrong),
            encode_response(query.id, Question(question.name, AAAA), wrong),
            encode_response(query.id, None, wrong),
            encode_query(query.id, question),
            b"junk",
            *good(data),
        ]

    server, at = await start(forged)
    assert await Resolver((at,)).resolve("a.test") == ("1.2.3.4",)
    stop(server)


async def test_ids_and_ports_differ() -> None:
    seen: set[int] = set()

    def note(data: bytes) -> list[bytes]:
        seen.add(decode(data).id)
        return good(data)

    server, at = await start(note)
    resolver = Resolver((at,))
    for i in range(30):
        await resolver.resolve(f"n{i}.test")
    assert len(seen) > 25
    stop(server)


async def test_another_server_is_asked_when_one_fails() -> None:
    def failing(data: bytes) -> list[bytes]:
        query = decode(data)
        return [encode_response(query.id, query.questions[0], rcode=SERVFAIL)]

    mute, at_mute = await start(lambda data: [])
    broken, at_broken = await start(failing)
    fine, at_fine = await start(good)
    resolver = Resolver(
        ("127.0.0.1:9", at_mute, at_broken, at_fine), try_seconds=0.2
    )  # nothing listens at the first
    assert await resolver.resolve("a.test") == ("1.2.3.4",)
    stop(mute, broken, fine)


async def test_nobody_answers() -> None:
    mute, at = await start(lambda data: [])
    with pytest.raises(ResolveError):
        await Resolver((at,), try_seconds=0.1).resolve("a.test")
    with pytest.raises(ResolveError):
        await Resolver(()).resolve("a.test")
    stop(mute)


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    def short(data: bytes) -> list[bytes]:
        query = decode(data)
        return [encode_response(query.id, query.questions[0], truncated=True)]

    async def tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        (answer,) = good(await reader.readexactly(size))
        writer.write(struct.pack("!H", len(answer)) + answer)
        await writer.drain()
        writer.close()

    server, listener, at = await start_with_tcp(short, tcp)
    assert await Resolver((at,)).resolve("a.test") == ("1.2.3.4",)
    listener.close()
    stop(server)


# The dialer


async def test_the_dialer_checks_what_names_lead_to() -> None:
    def rebinding(data: bytes) -> list[bytes]:
        query = decode(data)
        return [encode_response(query.id, query.questions[0], ["169.254.169.254", "10.0.0.1"])]

    server, at = await start(rebinding)
    for declared in (True, False):
        network = Network(nameservers=(at,), private_upstreams=("127.0.0.0/8",))
        pool = ClientPool(Dialer(network, declared=declared))
        for host in ("evil.test", "127.0.0.1" if not declared else "10.0.0.1", "::ffff:127.0.0.1"):
            with pytest.raises(UpstreamError) as caught:
                await pool.send(Endpoint("http", host, 80), b"GET", b"/", [])
            assert caught.value.kind == "refused"
    stop(server)


async def test_static_hosts_come_before_dns_and_are_checked() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        network = Network(
            nameservers=(),
            static_hosts={"Fixed.test": f"127.0.0.1:{port}", "meta.test": "169.254.169.254"},
            private_upstreams=("127.0.0.0/8",),
        )
        dialer = Dialer(network, declared=True)
        transport, _ = await dialer.connect(Endpoint("http", "fixed.test", 80), asyncio.Protocol)
        assert transport.get_extra_info("peername") == ("127.0.0.1", port)
        transport.abort()
        for host, who in (("meta.test", dialer), ("fixed.test", Dialer(network, declared=False))):
            with pytest.raises(UpstreamError) as caught:
                await who.connect(Endpoint("http", host, 80), asyncio.Protocol)
            assert caught.value.kind == "refused"
    await asyncio.sleep(0)


# The responder


def policy(name: str, qtype: int) -> Answer:
    return Answer(("127.0.0.1",)) if name == "known.test" else Answer(known=False)


async def test_the_responder_answers_over_udp_and_tcp() -> None:
    responder = DnsResponder(policy)
    await responder.listen("127.0.0.1", 0)
    resolver = Resolver((f"127.0.0.1:{responder.port}",))
    assert await resolver.resolve("Known.Test") == ("127.0.0.1",)
    assert await resolver.resolve("known.test", AAAA) == ()
    assert await resolver.resolve("secret.exfil.test") == ()
    reader, writer = await asyncio.open_connection("127.0.0.1", responder.port)
    query = encode_query(7, Question("known.test", A))
    writer.write((struct.pack("!H", len(query)) + query) * 2)
    for _ in range(2):
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        answer = decode(await reader.readexactly(size))
        assert [record.value for record in answer.answers] == ["127.0.0.1"]
    writer.write(b"\xff\xff")
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()
    responder.close()


def test_the_responder_says_no_by_code() -> None:
    answer = respond(encode_query(9, Question("x.test", A)), policy)
    assert answer is not None
    assert decode(answer).rcode == NXDOMAIN
    assert respond(encode_response(1, Question("known.test", A)), policy) is None
    assert respond(b"", policy) is None
    malformed = respond(encode_query(9, Question("x.test", A))[:-3], policy)
    assert malformed is not None
    assert decode(malformed).rcode == 1
    update = bytearray(encode_query(9, Question("x.test", A)))
    update[2] |= 5 << 3
    refused = respond(bytes(update), policy)
    assert refused is not None
    assert decode(refused).rcode == 4
