"""Ways around policy and credentials that an agent may try; each is refused with a reason."""

import base64
import gzip
import json
from urllib.parse import quote

import msgspec
import pytest
from tests.unit.sidecar.stage import (
    DUMMY,
    HOST,
    LLM_DUMMY,
    LLM_HOST,
    OPEN,
    OTHER,
    OTHER_DUMMY,
    TOKEN,
    Seen,
    Stage,
    answer,
    open_stage,
    request,
    weather_provider,
)  # fmt: skip

from pai.ir.provider import Policy, Scope


def refused(got: Seen, status: int = 403) -> dict[str, str]:
    assert got.line.startswith(f"HTTP/1.1 {status}"), got
    error: dict[str, str] = json.loads(got.body)["error"]
    return error


def untouched(stage: Stage) -> None:
    for service in (stage.weather, stage.other, stage.gateway, stage.open, stage.agent):
        assert service.seen == []


async def test_a_denied_action_tells_rule_and_reason(stage: Stage) -> None:
    client = await stage.tls()
    error = refused(await client.ask(request("DELETE", "/v1/now", HOST)))
    assert error["code"] == "policy_denied"
    assert error["provider"] == "weather"
    assert error["action"] == "delete"
    assert error["rule"] == "policy.allow: get, post, put"
    assert '"denied"' in stage.audit()
    untouched(stage)
    await client.close()


@pytest.mark.parametrize(
    "path",
    [
        "/admin/x",
        "/admin",
        "/admin/",
        "/%61dmin/x",
        "/%61%64%6d%69%6e/x",
        "/x/../admin/y",
        "/x/%2e%2e/admin/y",
        "/x/.%2e/admin/y",
        "/./admin/y",
        "//admin/y",
        "/admin%2fy",
        "/x%2f..%2fadmin",
        "/x\\..\\admin",
        "/x%5c..%5cadmin",
        "/admin;x/y",
        "/admin%00/y",
        "/%2561dmin/y",
        "/admin%252fy",
        "/admin%",
        "/adm%u0069n",
    ],
)
async def test_no_spelling_of_a_path_goes_around_a_rule(stage: Stage, path: str) -> None:
    client = await stage.tls()
    refused(await client.get(path))
    untouched(stage)
    assert json.loads(stage.records[-1])["path"]
    await client.close()


async def test_the_path_that_was_checked_is_the_path_that_is_sent(stage: Stage) -> None:
    client = await stage.tls()
    await client.get("/%76%31/now%2dx")
    assert stage.weather.seen[0].line == "GET /v1/now-x HTTP/1.1"
    await client.close()


@pytest.mark.parametrize(
    "field",
    [
        "x-http-method-override: DELETE",
        "X-HTTP-Method: DELETE",
        "x-method-override: DELETE",
        "x-original-url: /admin/x",
        "X-Rewrite-URL: /admin/x",
    ],
)
async def test_headers_that_change_method_or_path_are_refused(stage: Stage, field: str) -> None:
    client = await stage.tls()
    refused(await client.ask(request("POST", "/v1/now", HOST, field, body=b"x")))
    untouched(stage)
    await client.close()


async def test_a_method_in_the_query_is_refused(stage: Stage) -> None:
    client = await stage.tls()
    refused(await client.ask(request("POST", "/v1/now?_method=DELETE", HOST, body=b"x")))
    untouched(stage)
    await client.close()


@pytest.mark.parametrize(
    "host", [OTHER, "evil.test", LLM_HOST, OPEN, f"{HOST}.evil.test", "127.0.0.1"]
)
async def test_host_must_be_the_server_name(stage: Stage, host: str) -> None:
    client = await stage.tls(HOST)
    error = refused(await client.get("/v1/now", host))
    assert error["code"] == "host_mismatch"
    untouched(stage)
    await client.close()


@pytest.mark.parametrize("port", ["80", "8443", "22"])
async def test_host_must_not_name_another_port(stage: Stage, port: str) -> None:
    client = await stage.tls(HOST)
    refused(await client.get("/v1/now", f"{HOST}:{port}"))
    untouched(stage)
    await client.close()


async def test_case_of_a_host_makes_no_difference(stage: Stage) -> None:
    client = await stage.tls(HOST)
    await client.get("/v1/now", HOST.upper())
    assert stage.weather.seen[0].get("host") == [HOST]
    await client.close()


@pytest.mark.parametrize(
    "raw",
    [
        f"GET /v1/now HTTP/1.1\r\nhost: {HOST}\r\nhost: {OTHER}\r\n\r\n",
        f"GET /v1/now HTTP/1.1\r\nhost: {HOST}\r\nHost: {HOST}\r\n\r\n",
        "GET /v1/now HTTP/1.1\r\n\r\n",
        f"GET http://{OTHER}/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n",
        f"GET https://evil.test/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n",
        f"GET /v1/now HTTP/1.1\r\nhost: {HOST}\r\n host: {OTHER}\r\n\r\n",
        f"GET /v1/now HTTP/1.1\r\nhost : {HOST}\r\n\r\n",
        f"GET /v1/now HTTP/1.1\nhost: {HOST}\n\n",
        f"POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n"
        f"\r\n0\r\n\r\nGET /admin/x HTTP/1.1\r\nhost: {HOST}\r\n\r\n",
        f"POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        f"GET {HOST}:443 HTTP/1.1\r\nhost: {HOST}\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
@pytest.mark.parametrize("door", ["tls", "plain"])
async def test_an_ambiguous_request_is_refused_and_recorded(
    stage: Stage, raw: str, door: str
) -> None:
    client = await stage.tls() if door == "tls" else await stage.to("plain")
    client.writer.write(raw.encode())
    told = await client.rest()
    assert told == b"" or told.startswith(b"HTTP/1.1 4")
    assert told.count(b"HTTP/1.1 4") <= 1
    untouched(stage)
    assert '"denied"' in stage.audit()
    await client.close()


@pytest.mark.parametrize("door", ["tls", "plain"])
async def test_nobody_is_a_connect_proxy(stage: Stage, door: str) -> None:
    client = await stage.tls() if door == "tls" else await stage.to("plain")
    got = await client.ask(b"CONNECT evil.test:443 HTTP/1.1\r\nhost: evil.test:443\r\n\r\n")
    assert got.line.split()[1] in ("403", "405")
    assert json.loads(got.body)["error"]["message"]
    untouched(stage)
    await client.close()


async def test_absolute_form_to_an_unknown_host_is_refused(stage: Stage) -> None:
    client = await stage.to("plain")
    error = refused(await client.ask(b"GET http://evil.test/ HTTP/1.1\r\nhost: evil.test\r\n\r\n"))
    assert error["host"] == "evil.test"
    assert "egress.allow" in error["hint"]
    untouched(stage)
    await client.close()


CREDENTIALS = (
    "authorization: Bearer mine",
    "Authorization: Basic bWluZTptaW5l",
    "AUTHORIZATION: mine",
    "proxy-authorization: Basic bWluZTptaW5l",
)


async def test_the_agents_own_credentials_never_arrive(stage: Stage) -> None:
    client = await stage.tls()
    await client.get("/v1/now", HOST, *CREDENTIALS)
    [seen] = stage.weather.seen
    assert seen.get("authorization") == [f"Bearer {TOKEN}"]
    assert seen.get("proxy-authorization") == []
    assert "mine" not in str(seen.headers)
    await client.close()


async def test_connection_can_not_name_the_credential_away(stage: Stage) -> None:
    """`Connection: authorization` makes some proxies drop the header they were told to drop."""
    client = await stage.tls()
    await client.get("/v1/now", HOST, "connection: authorization, host, keep-alive")
    assert stage.weather.seen[0].get("authorization") == [f"Bearer {TOKEN}"]
    await client.close()


async def test_a_parameter_can_not_be_doubled() -> None:
    async with open_stage(weather=weather_provider(param="key")) as stage:
        client = await stage.tls()
        await client.get(f"/v1/now?key=mine&q=1&%6bey={DUMMY}&KEY=mine2;key=mine3", HOST)
        token = quote(TOKEN, safe="")
        assert stage.weather.seen[0].line == f"GET /v1/now?q=1&key={token} HTTP/1.1"
        await client.close()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/now", f"x-key: {OTHER_DUMMY}"),
        (f"/v1/now?k={OTHER_DUMMY}", "x: y"),
        (f"/v1/{OTHER_DUMMY}", "x: y"),
        ("/v1/now", f"cookie: a={LLM_DUMMY}"),
        ("/v1/now", f"authorization: Bearer {OTHER_DUMMY}"),
    ],
)
async def test_a_credential_of_another_service_is_not_sent(
    stage: Stage, path: str, field: str
) -> None:
    client = await stage.tls()
    error = refused(await client.get(path, HOST, field))
    assert error["rule"] == "credential binding"
    untouched(stage)
    await client.close()


async def test_the_dummy_of_another_agent_is_worth_nothing(stage: Stage) -> None:
    client = await stage.tls()
    await client.get("/v1/now", HOST, "authorization: Bearer pai-dummy-of-somebody-else")
    assert stage.weather.seen[0].get("authorization") == [f"Bearer {TOKEN}"]
    assert "somebody-else" not in str(stage.weather.seen[0])
    await client.close()


async def test_scope_on_a_type_without_resources_closes_it() -> None:
    scoped = weather_provider(policy=None, scope=Scope(resources=("x",)))
    async with open_stage(weather=scoped) as stage:
        client = await stage.tls()
        assert refused(await client.get())["rule"] == "scope.resources: x"
        untouched(stage)
        await client.close()


async def test_http_rules_alone_open_nothing() -> None:
    async with open_stage(weather=weather_provider(policy=Policy())) as stage:
        client = await stage.tls()
        refused(await client.get())
        untouched(stage)
        await client.close()


# The real value in what a service answers


def spelled() -> list[bytes]:
    raw = TOKEN.encode()
    return [
        raw,
        quote(TOKEN, safe="").encode(),
        json.dumps(TOKEN).replace("/", "\\/").encode(),
        base64.b64encode(raw),
        base64.b64encode(b"user:" + raw),
    ]


@pytest.mark.parametrize("secret", spelled())
async def test_an_echoed_token_is_replaced_in_the_body(stage: Stage, secret: bytes) -> None:
    stage.weather.respond = lambda seen: answer(b"<" + secret + b">" * 100)
    client = await stage.tls()
    got = await client.get()
    assert secret not in got.body
    assert got.body.endswith(b">" * 100)
    await client.close()


async def test_an_echoed_token_is_replaced_in_headers(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(
        b"", "302 Found", x_echo=f"Bearer {TOKEN}", location=f"/x?key={quote(TOKEN, safe='')}",
        alt_svc='h3=":443"',
    ).replace(b"302 Found", b"302 " + TOKEN.encode())  # fmt: skip
    client = await stage.tls()
    got = await client.get()
    assert got.get("x-echo") == [f"Bearer {DUMMY}"]
    assert got.get("location") == [f"/x?key={DUMMY}"]
    assert got.get("alt-svc") == []
    assert TOKEN not in got.line
    await client.close()


async def test_an_echo_of_everything_gives_the_dummy(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(json.dumps(seen.headers).encode())
    client = await stage.tls()
    got = await client.get()
    assert ["authorization", f"Bearer {DUMMY}"] in json.loads(got.body)
    await client.close()


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_a_token_cut_across_chunks_is_replaced(stage: Stage, size: int) -> None:
    raw = f"before {TOKEN} after".encode()
    parts = [raw[at : at + size] for at in range(0, len(raw), size)]
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
    stage.weather.chunks = [head, *chunks, b"0\r\n\r\n"]
    client = await stage.tls()
    got = await client.get()
    assert got.body.decode() == f"before {DUMMY} after"
    await client.close()


async def test_a_token_in_a_body_without_length_is_replaced(stage: Stage) -> None:
    stage.weather.closes = True
    stage.weather.chunks = [
        b"HTTP/1.0 200 OK\r\n\r\n" + TOKEN[:5].encode(),
        TOKEN[5:].encode(),
    ]
    client = await stage.tls()
    got = await client.get()
    assert got.get("transfer-encoding") == ["chunked"]
    assert got.body == DUMMY.encode()
    await client.close()


async def test_a_compressed_echo_is_decoded_and_replaced(stage: Stage) -> None:
    packed = gzip.compress(b"x" * 5000 + TOKEN.encode())
    stage.weather.respond = lambda seen: answer(packed, content_encoding="gzip")
    client = await stage.tls()
    got = await client.get("/v1/now", HOST, "accept-encoding: gzip, br")
    assert got.get("content-encoding") == []
    assert got.body == b"x" * 5000 + DUMMY.encode()
    await client.close()


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x-own"])
async def test_an_encoding_that_can_not_be_read_is_refused(stage: Stage, coding: str) -> None:
    stage.weather.respond = lambda seen: answer(TOKEN.encode(), content_encoding=coding)
    client = await stage.tls()
    got = await client.get()
    assert refused(got, 502)["code"] == "unreadable_encoding"
    assert TOKEN.encode() not in got.body
    await client.close()


async def test_a_lie_about_the_encoding_cuts_the_connection(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(TOKEN.encode(), content_encoding="gzip")
    client = await stage.tls()
    client.writer.write(request("GET", "/", HOST))
    assert TOKEN.encode() not in await client.rest()
    await client.close()


async def test_an_echo_over_a_websocket_is_masked(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(
        b"", "101 Switching Protocols", upgrade="websocket", connection="Upgrade", x_echo=TOKEN
    ).replace(b"content-length: 0\r\n", b"")
    client = await stage.tls()
    fields = ("connection: Upgrade", "upgrade: websocket", "sec-websocket-key: x")
    got = await client.get("/ws", HOST, *fields)
    assert got.get("x-echo") == [DUMMY]
    frame = b"\x81\x30" + b"<" + TOKEN.encode() + b">"
    for at in range(0, len(frame), 3):
        client.writer.write(frame[at : at + 3])
        await client.writer.drain()
    got_frame = await client.reader.readexactly(len(frame))
    assert got_frame[:3] == frame[:3]
    assert got_frame[-1:] == b">"
    assert TOKEN[8:].encode() not in got_frame
    await client.close()


async def test_an_error_of_the_service_holds_no_token_either(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(
        f"bad token {TOKEN}".encode(), "401 Unauthorized", www_authenticate=f'Bearer t="{TOKEN}"'
    )
    client = await stage.tls()
    got = await client.get()
    assert TOKEN not in str(got)
    assert DUMMY in str(got)
    await client.close()


async def test_after_rotation_the_old_token_is_gone(stage: Stage) -> None:
    new = msgspec.structs.replace(
        stage.snapshot,
        providers=tuple(
            msgspec.structs.replace(item, credential={"token": "rotated-1"})
            for item in stage.snapshot.providers
        ),
    )
    stage.apply(new)
    client = await stage.tls()
    await client.get()
    assert TOKEN not in str(stage.weather.seen)
    await client.close()
