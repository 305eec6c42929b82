import gzip
import json
import zlib

import pytest

from pai.errors import TransientError
from pai.ir.snapshot import AuditRecord, SidecarInbound
from pai.providers.redact import Redactor
from pai.sidecar.audit import AuditLog
from pai.sidecar.content import ContentError, DecodeTap, RedactTap, readable, tap_for
from pai.sidecar.exchange_rules import host_fault, override_fault, stray_dummy
from pai.sidecar.inbound import client_address, from_edge
from pai.sidecar.llm import gateway_headers, gateway_target

REDACTOR = Redactor((b"hunter2",), b"DUMMY")


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"/v1/chat/completions", b"", b"/v1/chat/completions"),
        (b"/api/v1/chat/completions", b"", b"/v1/chat/completions"),
        (b"/v1beta/models/m:generateContent", b"key=mine", b"/v1beta/models/m:generateContent"),
        (b"/v1beta/models/m:x", b"alt=sse&key=mine", b"/v1beta/models/m:x?alt=sse"),
        (b"/v1beta/models/m:x", b"k%65y=mine&alt=sse&KEY=2", b"/v1beta/models/m:x?alt=sse"),
    ],
)
def test_gateway_targets(path: bytes, query: bytes, target: bytes) -> None:
    assert gateway_target(path, query) == target


def test_the_agents_own_llm_credentials_never_reach_the_gateway() -> None:
    names = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"host")
    headers = [*((name, b"mine") for name in names), (b"anthropic-version", b"1")]
    assert gateway_headers(headers, "tok") == [
        (b"anthropic-version", b"1"),
        (b"authorization", b"Bearer tok"),
    ]


@pytest.mark.parametrize(
    ("coding", "known"),
    [(b"", True), (b"identity", True), (b"gzip", True), (b"br", False), (b"gzip,gzip", False)],
)
def test_encodings_that_can_be_read(coding: bytes, known: bool) -> None:
    assert readable(coding) is known


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
def test_a_compressed_body_is_decoded_and_searched(coding: bytes, size: int) -> None:
    plain = b"x" * 1000 + b"hunter2" + b"y" * 1000
    packed = gzip.compress(plain) if coding == b"gzip" else zlib.compress(plain)
    tap = tap_for(REDACTOR, coding)
    assert isinstance(tap, DecodeTap)
    out = b"".join(tap.feed(packed[at : at + size]) for at in range(0, len(packed), size))
    assert out + tap.finish() == plain.replace(b"hunter2", b"DUMMY")


def test_gzip_of_several_members_is_decoded_in_full() -> None:
    tap = DecodeTap(REDACTOR, b"gzip")
    out = tap.feed(gzip.compress(b"hunt") + gzip.compress(b"er2!"))
    assert out + tap.finish() == b"DUMMY!"


@pytest.mark.parametrize("cut", [1, 10, -1])
def test_a_compressed_body_that_is_cut_short_is_an_error(cut: int) -> None:
    tap = DecodeTap(REDACTOR, b"gzip")
    tap.feed(gzip.compress(b"x" * 100)[:cut])
    with pytest.raises(ContentError):
        tap.finish()


def test_a_body_that_is_not_what_it_says_is_an_error() -> None:
    with pytest.raises(ContentError):
        DecodeTap(REDACTOR, b"gzip").feed(b"hunter2 in the clear")


def test_a_bomb_is_an_error() -> None:
    with pytest.raises(ContentError, match="beyond reason"):
        DecodeTap(REDACTOR, b"gzip").feed(gzip.compress(b"\0" * 50_000_000))


def test_an_empty_body_is_no_error_whatever_its_encoding() -> None:
    assert DecodeTap(REDACTOR, b"gzip").finish() == b""
    assert isinstance(tap_for(REDACTOR, b""), RedactTap)


def test_host_must_fit_server_name_and_port() -> None:
    assert host_fault("a.test", None, "a.test", 443) == ""
    assert host_fault("a.test", 443, "a.test", 443) == ""
    assert "server name" in host_fault("a.test", None, "b.test", 443)
    assert "8443" in host_fault("a.test", 8443, "a.test", 443)
    assert "80" in host_fault("a.test", 80, "a.test", 443)
    assert host_fault("a.test", None, None, 80) == ""


@pytest.mark.parametrize(
    "name", [b"x-http-method-override", b"x-method-override", b"x-original-url", b"x-rewrite-url"]
)
def test_headers_that_ask_for_something_else_are_found(name: bytes) -> None:
    assert name.decode() in override_fault([(name, b"DELETE")], b"")


@pytest.mark.parametrize("query", [b"_method=DELETE", b"a=1&_METHOD=put", b"a=1;%5fmethod=x"])
def test_parameters_that_ask_for_another_method_are_found(query: bytes) -> None:
    assert "another method" in override_fault([], query)


def test_ordinary_requests_ask_for_nothing_else() -> None:
    assert override_fault([(b"accept", b"*/*")], b"method=x&a") == ""


def test_a_dummy_belongs_to_its_own_service_alone() -> None:
    dummies = ((b"dummy-a", "a"), (b"dummy-b", "b"), (b"", "empty"))
    assert stray_dummy([(b"x", b"Bearer dummy-a")], b"/", dummies, "a") == ""
    assert stray_dummy([(b"x", b"Bearer dummy-b")], b"/", dummies, "a") == "b"
    assert stray_dummy([], b"/?t=dummy-b", dummies, "a") == "b"


INBOUND = SidecarInbound(port=1, allow_cidrs=(), edge_token="tok")


def test_the_edge_is_known_by_its_token_alone() -> None:
    assert from_edge([(b"x-pai-edge", b"tok")], INBOUND)
    assert not from_edge([], INBOUND)
    assert not from_edge([(b"x-pai-edge", b"to")], INBOUND)
    assert not from_edge([(b"x-pai-edge", b"")], INBOUND)
    assert not from_edge([(b"x-pai-edge", b"tok"), (b"x-pai-edge", b"tok")], INBOUND)
    assert not from_edge(
        [(b"x-pai-edge", b"")], SidecarInbound(port=1, allow_cidrs=(), edge_token="")
    )


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ([], None),
        ([b"1.2.3.4"], "1.2.3.4"),
        ([b"10.0.0.1, 1.2.3.4"], "1.2.3.4"),
        ([b"10.0.0.1", b"1.2.3.4"], "1.2.3.4"),
        ([b""], None),
        ([b"1.2.3.4,"], None),
    ],
)
def test_the_last_forwarded_address_counts(values: list[bytes], address: str | None) -> None:
    assert client_address([(b"x-forwarded-for", value) for value in values]) == address


def test_records_are_written_at_once_and_spooled() -> None:
    lines: list[bytes] = []
    audit = AuditLog(lines.append)
    audit.agent = "default/a"
    audit.add("allowed", "why", host="h", path="/" + "x" * 1000, status=200, duration_ms=1.5)
    record = json.loads(lines[0])
    assert record["agent"] == "default/a"
    assert record["decision"] == "allowed"
    assert len(record["path"]) == 512
    assert record["at"].endswith("Z")


async def test_batches_are_kept_until_control_has_them() -> None:
    audit = AuditLog(lambda line: None)
    for number in range(1200):
        audit.add("allowed", str(number))
    got: list[str] = []
    failing = True

    async def send(records: list[AuditRecord]) -> None:
        if failing:
            raise TransientError("control is down")
        got.extend(record.reason for record in records)

    with pytest.raises(TransientError):
        await audit.flush(send)
    failing = False
    await audit.flush(send)
    assert got == [str(number) for number in range(1200)]


async def test_a_full_spool_drops_counts_and_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pai.sidecar.audit.SPOOL_RECORDS", 3)
    audit = AuditLog(lambda line: None)
    for number in range(5):
        audit.add("allowed", str(number))
    assert audit.dropped == 2
    got: list[str] = []

    async def send(records: list[AuditRecord]) -> None:
        got.extend(record.reason for record in records)

    await audit.flush(send)
    assert got[:3] == ["0", "1", "2"]


def test_a_flood_of_refusals_is_limited_and_counted() -> None:
    lines: list[bytes] = []
    now = 0.0
    audit = AuditLog(lines.append, lambda: now)
    for _ in range(1000):
        audit.refuse("no such name", host="x.test")
    assert len(lines) == 200
    assert audit.dropped == 800
    now = 1.0
    audit.refuse("no such name", host="x.test")
    assert len(lines) == 201
