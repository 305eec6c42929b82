"""Attacks on control's doors: tokens, credentials, hosts, origins, sizes, names, and leaks."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contract.test_control import EDGE, GATEWAY, sidecar_credential
from tests.fakes.control import API, Running, running
from tests.fakes.documents import agent, model, secret, service

from pai.control.tokens import digest, new_token

CANARIES = ("canary-llm-7f3a", "canary-notes-91bd", "canary-relay-55e1")
BAD_HEADERS = [
    "",
    "Bearer",
    "Bearer wrong",
    "Basic {token}",
    "{token}",
    "Bearer {token}x",
    "Bearer pai_tok_" + "A" * 43,
    "Bearer {token} {token}",
]
TOKEN_PARAMETERS = ["token", "access_token", "TOKEN", "authorization"]
FOREIGN_HOSTS = ["evil.test", "127.0.0.1.evil.test", "", "localhost.evil.test:80"]
FOREIGN_PAGES = [
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": "http://localhost:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]
MALFORMED = [
    b"",
    b"{",
    b"[" * 100_000,
    b'{"documents": 5}',
    b'{"documents": []}',
    b'{"documents": [null, 5, "x", {}]}',
    b'{"documents": [], "surprise": 1}',
    b"\xff\xfe",
    b'{"documents": [{"apiVersion": "pai.io/v1", "kind": "Secret", "metadata": '
    b'{"name": "x"}, "stringData": {"token": 5, "canary-key!": "canary-llm-7f3a"}}]}',
    b'{"documents": [{"apiVersion": "pai.io/v1", "kind": "Secret", "metadata": '
    b'"canary-llm-7f3a", "stringData": "canary-llm-7f3a"}], "personalEnv": ["x"]}',
]
HOSTILE_NAMES = [
    "../secrets",
    "..%2f..%2fsecrets%2fkeys",
    "%2e%2e",
    "a%00b",
    "a%0d%0ab",
    "A" * 5000,
]


async def test_nothing_opens_without_the_token(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for header in BAD_HEADERS:
            headers = {"authorization": header.format(token=control.token)} if header else {}
            calls = [
                ("GET", f"{API}/secrets"),
                ("POST", f"{API}/apply"),
                ("DELETE", f"{API}/agentworkloads/a"),
                ("GET", f"{API}/agentworkloads/a/logs"),
                ("GET", "/nowhere"),
            ]
            for method, path in calls:
                answer = await control.anonymous.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path)
                assert answer.json()["error"]["code"] == "unauthorized"
            on_socket = httpx.AsyncHTTPTransport(uds=str(tmp_path / "run" / "api.sock"))
            async with httpx.AsyncClient(transport=on_socket, base_url="http://localhost") as local:
                assert (await local.get(f"{API}/secrets", headers=headers)).status_code == 401


async def test_the_open_pages_tell_nothing_but_version_and_calls(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for path in ("/healthz", "/api/v1/version"):
            answer = await control.anonymous.get(path)
            assert set(answer.json()) == {"version", "instance"}
        page = await control.anonymous.get("/docs")
        assert "/api/v1/namespaces/{namespace}/apply" in page.text
        assert "<script" not in page.text and "//cdn" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await control.anonymous.get("/openapi.json")).json()["info"]["title"] == "Pai API"


async def test_a_token_in_the_url_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for name in TOKEN_PARAMETERS:
            answer = await control.http.get(f"{API}/secrets", params={name: control.token})
            assert answer.status_code == 400
            assert control.token not in answer.text
            answer = await control.anonymous.get(f"{API}/secrets", params={name: control.token})
            assert answer.status_code == 400


async def test_another_host_name_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for host in FOREIGN_HOSTS:
            answer = await control.http.get(f"{API}/secrets", headers={"host": host})
            assert answer.status_code in (400, 421)
            assert (await control.anonymous.get("/healthz", headers={"host": host})).is_error


async def test_foreign_pages_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for headers in FOREIGN_PAGES:
            answer = await control.http.get(f"{API}/secrets", headers=headers)
            assert answer.status_code == 403
            assert not any(name.startswith("access-control") for name in answer.headers)
            preflight = await control.http.options(f"{API}/secrets", headers=headers)
            assert preflight.status_code == 403


async def test_our_own_page_may_call(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        origin = str(control.http.base_url).rstrip("/")
        headers = {"origin": origin, "sec-fetch-site": "same-origin"}
        assert (await control.http.get(f"{API}/secrets", headers=headers)).status_code == 200


async def test_websockets_pass_the_same_guard(tmp_path: Path) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    async with running(tmp_path) as control:
        url = f"ws://127.0.0.1:{control.ports.api}{API}/agentworkloads/a/exec?command=id"
        cases: list[tuple[dict[str, str], str, int]] = [
            ({}, url, 401),
            ({**control.headers, "origin": "https://evil.test"}, url, 403),
            (control.headers, f"{url}&token=x", 400),
            (control.headers, url, 404),
            (control.headers, url.partition("?")[0], 400),
        ]
        for headers, address, status in cases:
            with pytest.raises(InvalidStatus) as refused:
                async with connect(address, additional_headers=headers, proxy=None):
                    pass
            assert refused.value.response.status_code == status


@pytest.mark.parametrize("chunked", [False, True])
async def test_huge_bodies_are_refused(tmp_path: Path, chunked: bool) -> None:
    async with running(tmp_path) as control:

        async def parts() -> Any:
            for _ in range(20):
                yield b"x" * (1024 * 1024)

        content = parts() if chunked else b"x" * (9 * 1024 * 1024)
        try:
            answer = await control.http.post(f"{API}/apply", content=content)
        except httpx.WriteError:
            return  # it hung up on us; that is a refusal too
        assert answer.status_code == 413
        assert (await control.http.get("/healthz")).status_code == 200


async def test_malformed_bodies_are_400_and_repeat_no_value(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for body in MALFORMED:
            answer = await control.http.post(f"{API}/apply", content=body)
            assert answer.status_code == 400, answer.text
            assert CANARIES[0] not in answer.text
            assert answer.json()["error"]["message"]


async def test_names_are_never_paths(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for name in HOSTILE_NAMES:
            await control.apply(secret())
            port = control.ports.api
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            request = (
                f"GET {API}/agentworkloads/{name}/logs HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
                f"authorization: Bearer {control.token}\r\nconnection: close\r\n\r\n"
            )
            writer.write(request.encode())
            answer = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            assert answer.split()[1] in ("400", "404"), answer[:200]
            bad = agent()
            bad["metadata"]["name"] = "../../etc"
            assert (await control.apply(bad)).status_code == 400
            other = await control.http.post(
                "/api/v1/namespaces/..%2fx/apply", json={"documents": [agent()]}
            )
            assert other.status_code in (400, 404, 405)
            bad_namespace = await control.http.post(
                "/api/v1/namespaces/UPPER/apply", json={"documents": [agent()]}
            )
            assert bad_namespace.status_code == 400


async def test_a_sidecar_gets_its_own_snapshot_and_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(
            secret(),
            model(),
            service(),
            agent("one", modelBindings=["gpt"]),
            agent("two", modelBindings=["gpt"], providers=["notes"]),
        )
        await control.until("one", "Running")
        await control.until("two", "Running")
        one = sidecar_credential(control, "one")
        answer = await control.snapshot(one)
        assert answer.json()["agent"] == "default/one" and answer.json()["providers"] == []
        assert "value-of-keys" not in answer.text
        for path in ("leases", "settlements"):
            refused = await internal(control, "POST", path, one)
            assert refused.status_code == 403
        uid_one, uid_two = [
            (await control.agent(name))["metadata"]["uid"] for name in ("one", "two")
        ]
        for forged in (
            one.replace(uid_one, uid_two),
            one.replace(f".{uid_one}.0.", f".{uid_one}.1."),
            one[:-1] + ("0" if one[-1] != "0" else "1"),
            one.upper(),
            one + ".x",
            f"pai_sc.{uid_two}.0.",
            "pai_sc.../..",
        ):
            assert (await control.snapshot(forged)).status_code == 401, forged
        for role, others in (("gateway", "audit"), ("edge", "leases"), ("edge", "audit")):
            credential = GATEWAY if role == "gateway" else EDGE
            assert (await internal(control, "POST", others, credential)).status_code == 403


async def test_the_roles_of_this_machine_do_not_come_over_the_bridge(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        url = f"https://127.0.0.1:{control.ports.internal}/internal/v1/snapshot"
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:
            for credential in (GATEWAY, EDGE, control.token, "x"):
                headers = {"authorization": f"Bearer {credential}"}
                assert (await client.get(url, headers=headers)).status_code == 401
            public = f"https://127.0.0.1:{control.ports.internal}{API}/secrets"
            answer = await client.get(public, headers=control.headers)
            assert answer.status_code == 404


async def test_a_deleted_agents_credential_is_worth_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        credential = sidecar_credential(control, "writer")
        assert (await control.snapshot(credential)).status_code == 200
        control.engine.reachable = False  # so that it stays Terminating
        await control.http.delete(f"{API}/agentworkloads/writer")
        assert (await control.snapshot(credential)).status_code == 403
        control.engine.reachable = True
        await control.until_gone("writer")
        assert (await control.snapshot(credential)).status_code == 401
        await control.apply(agent())
        await control.until("writer", "Running")
        assert (await control.snapshot(credential)).status_code == 401
        assert sidecar_credential(control, "writer") != credential


async def test_a_credential_of_an_earlier_start_is_worth_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        assert (await control.snapshot(GATEWAY, wait=0)).status_code in (200, 304)
        (tmp_path / "run" / "gateway.credential").write_text("made-anew")
        assert (await control.snapshot(GATEWAY, wait=0)).status_code == 401
        (tmp_path / "run" / "gateway.credential").write_text("")
        assert (await control.snapshot("x", wait=0)).status_code == 401
        (tmp_path / "run" / "gateway.credential").unlink()
        assert (await control.snapshot("made-anew", wait=0)).status_code == 401


async def test_internal_bodies_are_bounded_and_checked(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        mine = sidecar_credential(control, "writer")
        record = {"at": "x", "agent": "a", "replica": 0, "decision": "denied", "reason": "r"}
        for content in (
            b"{",
            b"[" * 100_000,
            json.dumps({"records": [record] * 1001}).encode(),
            json.dumps({"records": [{**record, "decision": "maybe"}]}).encode(),
            json.dumps({"records": [{**record, "replica": "0"}]}).encode(),
            b"x" * (3 * 1024 * 1024),
        ):
            answer = await internal(control, "POST", "audit", mine, content)
            assert answer.status_code == 400, content[:40]
        for query in ("after=x", "after=-1", "wait=nan", "wait=-1", "after=1e400"):
            answer = await internal(control, "GET", f"snapshot?{query}", mine)
            assert answer.status_code == 400, query


async def test_no_answer_event_log_or_file_holds_a_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as control:
        documents = [
            secret("llm", token=CANARIES[0]),
            secret("notes", token=CANARIES[1]),
            model(secret_name="llm"),
            service(secret_name="notes"),
            agent(modelBindings=["gpt"], providers=["notes"], cdpRelay={"token": CANARIES[2]}),
        ]
        answers = [await control.apply(*documents)]
        await control.until("writer", "Running")
        answers += [
            await control.apply(*documents),
            await control.apply(secret("llm", token="x y")),
        ]
        answers += [await control.http.request(*call) for call in every_call()]
        assert any(answer.status_code == 200 for answer in answers)
        texts = [answer.text + str(answer.headers) for answer in answers]
        texts += [repr(vars(held)) for held in control.engine.containers.values()]
        edge = (await control.snapshot(EDGE)).text
        assert not any(canary in edge for canary in CANARIES)
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    texts.append("".join(capfd.readouterr()))
    for canary in CANARIES:
        assert not [text for text in texts if canary in text], canary


def every_call() -> list[tuple[str, str]]:
    calls = [("GET", f"{API}/{plural}") for plural in ("agentworkloads", "modelbindings")]
    calls += [("GET", f"{API}/{plural}") for plural in ("providers", "secrets", "usage", "audit")]
    calls += [
        ("GET", f"{API}/secrets/llm"),
        ("GET", f"{API}/providers/notes"),
        ("GET", f"{API}/agentworkloads/writer"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    ]
    mine = f"{API}/agentworkloads/writer"
    calls += [("GET", f"{mine}/{what}") for what in ("report", "events", "logs")]
    calls += [("POST", f"{mine}/{what}") for what in ("restart", "pause", "resume")]
    return [*calls, ("DELETE", f"{API}/secrets/llm"), ("DELETE", mine)]


async def test_files_and_sockets_are_their_owners_alone(tmp_path: Path) -> None:
    async with running(tmp_path):
        for name in ("instance.key", "ca/ca.pem", "run/api.sock", "run/internal.sock"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0, name
        assert (tmp_path / "run" / "first-token").stat().st_mode & 0o777 == 0o600


async def test_the_public_api_listens_on_loopback_only(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        # all of 127/8 is this machine; a listener on every address would answer here too
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.2", control.ports.api)


async def test_the_supervisors_token_is_known_by_its_hash(tmp_path: Path) -> None:
    token = new_token()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "api-token.sha256").write_text(digest(token))
    (tmp_path / "run" / "first-token").write_text("unused")
    async with running(tmp_path) as control:
        headers = {"authorization": f"Bearer {token}"}
        assert (await control.anonymous.get(f"{API}/secrets", headers=headers)).is_success
        headers = {"authorization": f"Bearer {digest(token)}"}
        assert (await control.anonymous.get(f"{API}/secrets", headers=headers)).is_client_error


async def internal(
    control: Running, method: str, path: str, credential: str, content: bytes = b"{}"
) -> httpx.Response:
    headers = {"authorization": f"Bearer {credential}"}
    url = f"/internal/v1/{path}"
    return await control.internal.request(method, url, headers=headers, content=content)
