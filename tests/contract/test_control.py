"""Control as its callers see it: the public API, the internal one, and what the engine is told."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.fakes.control import API, PAI_IMAGE, Running, fake_engine, running
from tests.fakes.documents import agent, document, model, secret, service

from pai.ir.snapshot import EdgeSnapshot, GatewaySnapshot, SidecarSnapshot
from pai.runtime.errors import EngineRefusedError, EngineUnavailableError
from pai.store.instance_key import load_or_create

GATEWAY = "gateway-credential-of-this-start"
EDGE = "edge-credential-of-this-start"


def sidecar_credential(control: Running, name: str, replica: int = 0) -> str:
    """Read what the engine was given for a sidecar, as only that container can."""
    found = [
        held.files["bootstrap.json"]
        for held in control.engine.containers.values()
        if held.made_of.step == "sidecar"
        and held.made_of.name.endswith(f"{name}-{replica}-sidecar")
    ]
    credential: str = json.loads(found[0])["credential"]
    return credential


async def test_an_agent_comes_to_run_and_goes_without_a_trace(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        answer = await control.apply(
            secret(), model(), service(), agent(modelBindings=["gpt"], providers=["notes"])
        )
        assert [r["result"] for r in answer.json()["results"]] == ["created"] * 4
        found = await control.until("writer", "Running")
        status = found["status"]
        assert status["readyReplicas"] == status["replicas"] == 1
        assert status["observedGeneration"] == found["metadata"]["generation"] == 1
        assert status["url"].startswith("http://") and ".localhost:8090" in status["url"]
        conditions = {item["type"]: item["status"] for item in status["conditions"]}
        assert conditions["Ready"] == conditions["Accepted"] == "True"
        assert {held.made_of.step for held in control.engine.containers.values()} == {
            "pause",
            "prepare",
            "sidecar",
            "agent",
        }
        again = await control.apply(agent(modelBindings=["gpt"], providers=["notes"]))
        assert again.json()["results"][0]["result"] == "unchanged"
        await control.http.delete(f"{API}/agentworkloads/writer")
        await control.until_gone("writer")
        assert control.engine.containers == {} and control.engine.volumes == {}
        assert (await control.http.get(f"{API}/agentworkloads/writer/events")).status_code == 404


async def test_apply_is_all_or_nothing_and_tells_every_fault(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        bad = agent("bad", runAsUser=0, replica=2)
        answer = await control.apply(secret(), bad)
        assert answer.status_code == 400
        faults = answer.json()["error"]["faults"]
        assert {(fault["document"], fault["path"]) for fault in faults} == {
            (1, "spec.runAsUser"),
            (1, "spec.replica"),
        }
        assert (await control.http.get(f"{API}/secrets")).json()["items"] == []
        await control.apply(agent(volumes=[volume("2Gi")]))
        answer = await control.apply(secret(), agent(volumes=[volume("1Gi")]))
        assert answer.status_code == 400
        assert "can't shrink" in answer.json()["error"]["faults"][0]["message"]
        assert (await control.http.get(f"{API}/secrets")).json()["items"] == []
        answer = await control.apply(secret(), agent("writer"), create=True)
        assert answer.status_code == 409
        assert (await control.http.get(f"{API}/secrets")).json()["items"] == []
        answer = await control.apply(secret(), dryRun=True)
        assert answer.json()["results"][0]["result"] == "created"
        assert (await control.http.get(f"{API}/secrets")).json()["items"] == []
        wrong = {**secret(), "metadata": {"name": "keys", "namespace": "other"}}
        answer = await control.apply(wrong)
        assert answer.json()["error"]["faults"][0]["path"] == "metadata.namespace"


def volume(size: str) -> dict[str, str]:
    return {"name": "data", "mountPath": "/data", "size": size}


async def test_optimistic_concurrency(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        made = (await control.http.post(f"{API}/modelbindings", json=model())).json()
        twice = await control.http.post(f"{API}/modelbindings", json=model())
        assert twice.status_code == 409
        newer = model(maxTokensPerDay=5)
        newer["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
        first = await control.http.put(f"{API}/modelbindings/gpt", json=newer)
        assert first.status_code == 200 and first.json()["metadata"]["generation"] == 2
        stale = await control.http.put(f"{API}/modelbindings/gpt", json=newer)
        assert stale.status_code == 409
        other = await control.http.put(f"{API}/modelbindings/other", json=newer)
        assert other.status_code == 400
        assert (await control.http.delete(f"{API}/modelbindings/gpt")).status_code == 200
        assert (await control.http.delete(f"{API}/modelbindings/gpt")).status_code == 404


async def test_a_missing_reference_waits_and_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        answer = await control.apply(agent(modelBindings=["gpt"]))
        assert any("gpt" in warning for warning in answer.json()["results"][0]["warnings"])
        found = await control.until("writer", "Pending")
        assert "no ModelBinding named 'gpt'" in found["status"]["message"]
        assert control.engine.containers == {}
        await control.apply(model(secret_name=None))
        await control.until("writer", "Running")
        events = (await control.http.get(f"{API}/agentworkloads/writer/events")).json()["items"]
        assert {"RefNotFound", "Running"} <= {event["reason"] for event in events}


async def test_pause_resume_restart_and_scale(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent(replicas=2), personalEnv={"GIT_AUTHOR_NAME": "Ada"})
        await ready(control, 2)
        before = ids(control, "agent")
        environment = next(iter(control.engine.containers.values())).made_of
        assert environment.name.startswith("pai-")
        paused = await control.http.post(f"{API}/agentworkloads/writer/pause")
        assert paused.json()["spec"]["paused"] is True
        await until(lambda: not control.engine.containers)
        await control.http.post(f"{API}/agentworkloads/writer/resume")
        await ready(control, 2)
        assert ids(control, "agent").isdisjoint(before)
        before = ids(control, "agent")
        restarted = await control.http.post(f"{API}/agentworkloads/writer/restart")
        assert restarted.json()["metadata"]["generation"] == 3
        await until(lambda: ids(control, "agent").isdisjoint(before))
        await ready(control, 2)
        await control.apply(agent(replicas=1))
        await until(lambda: len(ids(control, "agent")) == 1)
        bodies = [
            held.made_of.body
            for held in control.engine.containers.values()
            if held.made_of.step == "agent"
        ]
        assert "GIT_AUTHOR_NAME=Ada" in bodies[0]["Env"]
        assert (await control.http.post(f"{API}/agentworkloads/nobody/pause")).status_code == 404


async def test_volumes_outlive_the_agent_unless_asked(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        for asked in (False, True):
            await control.apply(agent(volumes=[volume("1Gi")]))
            await control.until("writer", "Running")
            params = {"volumes": "true"} if asked else {}
            await control.http.delete(f"{API}/agentworkloads/writer", params=params)
            await control.until_gone("writer")
            kept = [item.volume for item in control.engine.volumes.values()]
            assert kept == ([] if asked else ["data"])


async def test_a_crashing_agent_is_restarted_and_its_failures_are_remembered(
    tmp_path: Path,
) -> None:
    engine = fake_engine()
    async with running(tmp_path, engine) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        name = next(n for n, h in engine.containers.items() if h.made_of.step == "agent")
        engine.kill(name)
        await until(lambda: engine.containers[name].starts == 2 or not ids(control, "agent"), 400)
        report = (await control.http.get(f"{API}/agentworkloads/writer/report")).json()
        assert report["replicas"][0]["restarts"] == 1
        assert any(event["type"] == "Warning" for event in report["events"])
    async with running(tmp_path, engine) as control:
        report = (await control.http.get(f"{API}/agentworkloads/writer/report")).json()
        assert report["replicas"][0]["restarts"] == 1


async def test_an_engine_that_stops_is_told_and_recovered_from(tmp_path: Path) -> None:
    engine = fake_engine()
    engine.reachable = False
    async with running(tmp_path, engine) as control:
        await control.apply(agent())
        found = await control.until("writer", "Pending")
        assert "out of reach" in found["status"]["message"]
        ready = next(c for c in found["status"]["conditions"] if c["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("Unknown", "EngineUnavailable")
        logs = await control.http.get(f"{API}/agentworkloads/writer/logs")
        assert logs.status_code == 503
        assert (await control.http.get(f"{API}/agentworkloads/writer/report")).status_code == 200
        engine.reachable = True
        await control.until("writer", "Running")


async def test_a_removal_that_the_engine_refuses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fake_engine()

    def refuse(_identity: str) -> None:
        raise EngineRefusedError("device is busy", 500)

    async with running(tmp_path, engine) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        with monkeypatch.context() as patch:
            patch.setattr(engine, "remove", refuse)
            await control.http.delete(f"{API}/agentworkloads/writer")
            for _ in range(1000):
                status = (await control.agent("writer"))["status"]
                if "device is busy" in status["message"]:
                    break
                await asyncio.sleep(0.01)
            assert status["phase"] == "Terminating"
            assert "device is busy" in status["message"]
        await control.until_gone("writer")
    assert not engine.containers


async def test_left_overs_of_unknown_agents_are_removed(tmp_path: Path) -> None:
    engine = fake_engine()
    async with running(tmp_path, engine) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
    for file in tmp_path.glob("pai.db*"):
        file.unlink()
    (tmp_path / "run" / "first-token").unlink()
    async with running(tmp_path, engine):
        await until(lambda: not engine.containers and not engine.volumes)


async def test_watch_tells_every_change(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        listed = (await control.http.get(f"{API}/agentworkloads")).json()
        params = {"watch": "true", "resourceVersion": listed["resourceVersion"]}
        seen: list[tuple[str, str]] = []

        async def watch() -> None:
            url = f"{API}/agentworkloads"
            async with control.http.stream("GET", url, params=params, timeout=30) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: "):
                        event = json.loads(line[6:])
                        seen.append((event["type"], event["object"]["status"].get("phase", "")))
                        if event["type"] == "DELETED":
                            return

        task = asyncio.ensure_future(watch())
        await control.apply(agent(), secret())
        await control.until("writer", "Running")
        await control.http.delete(f"{API}/agentworkloads/writer")
        await asyncio.wait_for(task, 20)
        assert seen[0] == ("ADDED", "") and seen[-1][0] == "DELETED"
        assert ("MODIFIED", "Running") in seen and ("MODIFIED", "Terminating") in seen
        params["resourceVersion"] = "999999"
        gone = await control.http.get(f"{API}/agentworkloads", params=params)
        assert gone.status_code == 410


async def test_each_role_gets_its_own_snapshot(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(
            secret(token="sk-real"),
            secret("notes-key", token="nk-real"),
            model(maxTokensPerDay=500),
            service(secret_name="notes-key"),
            agent(
                modelBindings=["gpt"],
                providers=["notes"],
                inbound={"port": 3000, "allowCIDRs": ["10.0.0.0/8"]},
            ),
        )
        found = await control.until("writer", "Running")
        gateway = decoded(await control.snapshot(GATEWAY), GatewaySnapshot)
        assert [(b.id, b.api_key, b.limits.max_per_day) for b in gateway.bindings] == [
            ("default/gpt", "sk-real", 500)
        ]
        assert gateway.agents[0].bindings == ("default/gpt",)
        assert gateway.network.nameservers == ("192.0.2.53",)
        credential = sidecar_credential(control, "writer")
        raw = await control.snapshot(credential)
        sidecar = decoded(raw, SidecarSnapshot)
        assert sidecar.providers[0].credential == {"token": "nk-real"}
        assert "sk-real" not in raw.text and "nk-real" not in gateway_text(gateway)
        assert sidecar.inbound.port == 3000 and sidecar.agent == "default/writer"
        edge_answer = await control.snapshot(EDGE)
        edge = decoded(edge_answer, EdgeSnapshot)
        assert edge.routes[0].replicas == ("192.0.2.9:8082",)
        assert edge.routes[0].edge_token == sidecar.inbound.edge_token
        port = edge.routes[0].public_port
        assert found["status"]["publicAddress"] == f"127.0.0.1:{port}"
        assert "real" not in edge_answer.text and sidecar.key_pem not in edge_answer.text
        assert (await control.snapshot(EDGE, edge.version, wait=0)).status_code == 304


def gateway_text(snapshot: GatewaySnapshot) -> str:
    return msgspec.json.encode(snapshot).decode()


async def test_a_rotated_secret_reaches_everyone_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(
            secret(), model(), service(), agent(modelBindings=["gpt"], providers=["notes"])
        )
        await control.until("writer", "Running")
        credential = sidecar_credential(control, "writer")
        gateway = decoded(await control.snapshot(GATEWAY), GatewaySnapshot)
        sidecar = decoded(await control.snapshot(credential), SidecarSnapshot)
        waiting = [
            asyncio.ensure_future(control.snapshot(GATEWAY, gateway.version, 20)),
            asyncio.ensure_future(control.snapshot(credential, sidecar.version, 20)),
        ]
        await asyncio.sleep(0.05)
        agents = ids(control, "agent")
        await control.apply(secret(token="fresh"))
        first, second = await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert decoded(first, GatewaySnapshot).bindings[0].api_key == "fresh"
        changed = decoded(second, SidecarSnapshot)
        assert changed.providers[0].credential == {"token": "fresh"}
        assert changed.version > sidecar.version
        assert changed.cert_pem == sidecar.cert_pem
        assert ids(control, "agent") == agents
        await control.http.delete(f"{API}/secrets/keys")
        revoked = decoded(await control.snapshot(credential, changed.version), SidecarSnapshot)
        assert revoked.providers == ()
        last = decoded(await control.snapshot(GATEWAY, first.json()["version"]), GatewaySnapshot)
        assert last.bindings == () and last.agents[0].bindings == ()


async def test_tls_on_the_bridge_with_our_own_authority(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        held = next(h for h in control.engine.containers.values() if h.made_of.step == "sidecar")
        bootstrap = json.loads(held.files["bootstrap.json"])
        assert bootstrap["control"] == f"https://127.0.0.1:{control.ports.internal}"
        context = ssl.create_default_context(cadata=bootstrap["ca_pem"])
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            request = client.build_request(
                "GET",
                f"{bootstrap['control']}/internal/v1/snapshot?after=0&wait=5",
                headers={"authorization": f"Bearer {bootstrap['credential']}"},
                extensions={"sni_hostname": bootstrap["server_name"]},
            )
            answer = await client.send(request)
        assert decoded(answer, SidecarSnapshot).agent == "default/writer"


async def test_leases_are_granted_by_the_resources_limits(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent(tokens={"maxPerDay": 100}))
        day = control_day()
        call = {
            "worker": "w1",
            "wants": [{"day": day, "needs": [["agent:default/writer", 0, 40, 60]]}],
        }
        headers = {"authorization": f"Bearer {GATEWAY}"}
        answer = await control.internal.post("/internal/v1/leases", json=call, headers=headers)
        [lease] = answer.json()["leases"]
        assert 40 <= lease[2] <= 60 and lease[5:] != [False]
        charge = ["agent:default/writer", day, 30, 0, lease[2] - 30]
        batch = {"worker": "w1", "sequence": 1, "charges": [charge]}
        path = "/internal/v1/settlements"
        assert (await control.internal.post(path, json=batch, headers=headers)).status_code == 200
        assert (await control.internal.post(path, json=batch, headers=headers)).status_code == 200
        assert (await control.agent("writer"))["status"]["tokensToday"] == 30
        report = (await control.http.get(f"{API}/agentworkloads/writer/report")).json()
        assert 0 < report["usage"].pop("resetsInSeconds") <= 86_400
        assert report["usage"] == {"used": 30, "reserved": 0, "limit": 100}


async def test_a_spent_budget_is_a_condition(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent(tokens={"maxPerDay": 100}))
        await control.until("writer", "Running")
        day = control_day()
        headers = {"authorization": f"Bearer {GATEWAY}"}
        charge = ["agent:default/writer", day, 100, 100, 0]
        batch = {"worker": "w1", "sequence": 1, "charges": [charge]}
        await control.internal.post("/internal/v1/settlements", json=batch, headers=headers)

        async def told() -> str:
            found = await control.agent("writer")
            conditions = {c["type"]: c["status"] for c in found["status"]["conditions"]}
            return str(conditions.get("BudgetExhausted"))

        for _ in range(500):
            if await told() == "True":
                break
            await asyncio.sleep(0.02)
        assert await told() == "True"


async def test_audit_is_kept_for_the_one_who_proved_to_send_it(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(secret(), service(), agent(providers=["notes"]))
        await control.until("writer", "Running")
        headers = {"authorization": f"Bearer {sidecar_credential(control, 'writer')}"}
        record = {
            "at": "2026-01-01T00:00:00Z",
            "agent": "somebody-else",
            "replica": 7,
            "decision": "denied",
            "reason": "x" * 9000,
            "provider": "notes",
        }
        body = {"records": [record, {**record, "at": "9999-01-01T00:00:00Z"}]}
        answer = await control.internal.post("/internal/v1/audit", json=body, headers=headers)
        assert answer.status_code == 204
        items = (await control.http.get(f"{API}/audit?agent=writer")).json()["items"]
        assert [(i["agent"], i["replica"], len(i["reason"])) for i in items] == [
            ("writer", 0, 1024)
        ] * 2
        assert items[1]["at"] < "9999"
        assert (await control.http.get(f"{API}/audit?agent=somebody-else")).json()["items"] == []
        report = (await control.http.get(f"{API}/agentworkloads/writer/report")).json()
        assert report["providers"][0]["requestsToday"] == 1


async def test_logs_and_exec(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        held = next(h for h in control.engine.containers.values() if h.made_of.step == "agent")
        held.output += [("stdout", b"one\n"), ("stderr", b"two\n")]
        logs = await control.http.get(f"{API}/agentworkloads/writer/logs")
        assert (logs.text, logs.headers["content-type"]) == (
            "one\ntwo\n",
            "text/plain; charset=utf-8",
        )
        seed = await control.http.get(f"{API}/agentworkloads/writer/logs?container=seed")
        assert seed.status_code == 404
        bad = await control.http.get(f"{API}/agentworkloads/writer/logs?container=../etc")
        assert bad.status_code == 400
        frames = await execute(control, "writer", b"hello")
        assert frames == [b"\x01hello", b"\x02err\n", b'\x03{"exitCode":7}']
        broken = await execute(control, "writer", b"break")
        assert broken == [b'\x03{"error":"the container went away"}']


async def execute(control: Running, name: str, data: bytes) -> list[bytes]:
    from websockets.asyncio.client import connect

    url = f"ws://127.0.0.1:{control.ports.api}{API}/agentworkloads/{name}/exec?command=cat"
    frames: list[bytes] = []
    async with connect(url, additional_headers=control.headers, proxy=None) as socket:
        await socket.send(b"\x00" + data)
        await socket.send(b"\x00")
        async for frame in socket:
            assert isinstance(frame, bytes)
            frames.append(frame)
    return frames


async def test_usage_is_told_per_agent_model_and_day(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent(), model(secret_name=None))
        usage = {
            "agent": "default/writer",
            "model": "default/gpt",
            "day": control_day(),
            "requests": 2,
            "input": 10,
            "output": 5,
            "cost_microusd": 1500,
        }
        batch = {"worker": "w1", "sequence": 1, "usages": [usage]}
        headers = {"authorization": f"Bearer {GATEWAY}"}
        await control.internal.post("/internal/v1/settlements", json=batch, headers=headers)
        [row] = (await control.http.get(f"{API}/usage?agent=writer")).json()["items"]
        assert (row["agent"], row["model"], row["input"], row["cost"]) == (
            "writer",
            "gpt",
            10,
            0.0015,
        )
        [summed] = (await control.http.get(f"{API}/usage?by=day")).json()["items"]
        assert (summed["day"], summed["requests"]) == (control_day(), 2)
        elsewhere = await control.http.get("/api/v1/namespaces/other/usage")
        assert elsewhere.json()["items"] == []
        assert row["priced"] and summed["priced"]
        for where, headers in (("?format=csv", {}), ("", {"accept": "text/csv"})):
            answer = await control.http.get(f"{API}/usage{where}", headers=headers)
            assert answer.headers["content-type"].startswith("text/csv")
            assert answer.text.splitlines()[1].startswith(f"writer,gpt,{control_day()},2,10,0,5,")
        both = {"accept": "application/json, text/csv"}
        assert (await control.http.get(f"{API}/usage", headers=both)).json()["items"] == [row]
        for query in ("by=colour", "format=xml", "since=yesterday"):
            assert (await control.http.get(f"{API}/usage?{query}")).status_code == 400


async def test_figures_are_for_the_metrics_token_which_opens_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent())
        await control.until("writer", "Running")
        file = tmp_path / "run" / "metrics.token"
        assert file.stat().st_mode & 0o777 == 0o600
        headers = {"authorization": f"Bearer {file.read_text()}"}
        figures = (await control.anonymous.get("/metrics", headers=headers)).text
        assert 'pai_budget_used_tokens{pai_agent="default/writer",pai_binding=""} 0.0' in figures
        assert "pai_reconcile_seconds_count" in figures
        assert (await control.anonymous.get("/metrics")).status_code == 401
        assert (await control.http.get("/metrics")).status_code == 401  # a person's own token
        assert (await control.anonymous.get(f"{API}/usage", headers=headers)).status_code == 401
        for path in ("snapshot?after=0&wait=0", "settlements"):
            found = await control.internal.get(f"/internal/v1/{path}", headers=headers)
            assert found.status_code in (401, 405)


async def test_ports_are_stable_over_restarts(tmp_path: Path) -> None:
    inbound = {"port": 80, "allowCIDRs": ["0.0.0.0/0"]}
    engine = fake_engine()
    async with running(tmp_path, engine) as control:
        await control.apply(agent("one", inbound=inbound), agent("two", inbound=inbound))
        first = (await control.until("one", "Running"))["status"]["publicAddress"]
        second = (await control.until("two", "Running"))["status"]["publicAddress"]
        assert first != second
    async with running(tmp_path, engine) as control:
        await control.apply(agent("three", inbound=inbound))
        third = (await control.until("three", "Running"))["status"]["publicAddress"]
        assert third not in (first, second)
        assert (await control.until("two", "Running"))["status"]["publicAddress"] == second


async def test_the_relay_token_is_kept_as_a_hash(tmp_path: Path) -> None:
    async with running(tmp_path) as control:
        await control.apply(agent(cdpRelay={"token": "relay-canary"}))
        found = await control.agent("writer")
        assert found["spec"]["cdpRelay"]["token"].startswith("sha256:")
        same = await control.apply(agent(cdpRelay={"token": "relay-canary"}))
        assert same.json()["results"][0]["result"] == "unchanged"


async def test_only_one_control_a_data_directory(tmp_path: Path) -> None:
    from pai.control.process import _only_one
    from pai.errors import SpecError

    with _only_one(tmp_path / "lock"), pytest.raises(SpecError), _only_one(tmp_path / "lock"):
        pass


async def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    from pai.control.servers import tcp_socket
    from pai.errors import TransientError

    taken = tcp_socket("127.0.0.1", 0)
    try:
        with pytest.raises(TransientError, match="Address already in use"):
            tcp_socket("127.0.0.1", taken.getsockname()[1])
    finally:
        taken.close()


async def until(condition: Any, tries: int = 1000) -> None:
    for _ in range(tries):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came true")


async def ready(control: Running, replicas: int) -> None:
    for _ in range(1000):
        status = (await control.agent("writer"))["status"]
        if status.get("readyReplicas") == replicas and status["phase"] == "Running":
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never ready: {status}")


def ids(control: Running, step: str) -> set[str]:
    return {held.id for held in control.engine.containers.values() if held.made_of.step == step}


def decoded(answer: httpx.Response, kind: type[Any]) -> Any:
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=kind)


def control_day() -> str:
    from pai.clock import utc_now

    return utc_now().strftime("%Y-%m-%d")


__all__ = ["PAI_IMAGE", "EngineUnavailableError", "document", "load_or_create"]
