"""Calls on one agent: report, events, logs, restart, pause, resume."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pai.control.documents import AGENT
from pai.control.http.agent_logs import log_answer
from pai.control.http.answers import json_answer
from pai.control.http.report import agent_record, report
from pai.control.http.services import Services
from pai.control.views import shown
from pai.ir.agent import AgentKey
from pai.render.containers import Step
from pai.store.record import Record, ResourceKey

MAX_TAIL = 100_000


def agent_calls(services: Services) -> APIRouter:
    """Return the routes below `/api/v1/namespaces/{namespace}`."""
    router = APIRouter(tags=["agents"], prefix="/agentworkloads/{name}")
    resources = services.resources

    async def answer(record: Record) -> Response:
        return json_answer(shown(record, await services.ledger.balances()))

    @router.get("/report", summary="All that is known of an agent")
    async def show_report(namespace: str, name: str) -> Response:
        return json_answer(await report(services, AgentKey(namespace, name)))

    @router.get("/events", summary="What happened to an agent, oldest first")
    async def events(namespace: str, name: str) -> Response:
        key = AgentKey(namespace, name)
        agent_record(services, key)
        return json_answer({"items": await services.store.events(key)})

    # An API server lets a subresource called `log` last, and cuts off any other after a minute.
    @router.get("/log", include_in_schema=False)
    @router.get("/logs", summary="What a container of an agent wrote, as plain text")
    async def logs(
        namespace: str,
        name: str,
        container: Step = "agent",
        replica: Annotated[int, Query(ge=0, le=999)] = 0,
        follow: bool = False,
        tail: Annotated[int | None, Query(ge=0, le=MAX_TAIL)] = None,
    ) -> Response:
        key = AgentKey(namespace, name)
        agent_record(services, key)
        chunks = services.views.logs(key, replica, container, follow=follow, tail=tail)
        return await log_answer(chunks)

    @router.post("/restart", summary="Start the agent's containers anew; volumes stay")
    async def restart(namespace: str, name: str) -> Response:
        return await answer(await resources.restart(ResourceKey(AGENT, namespace, name)))

    @router.post("/pause", summary="Run no replica, keep all state")
    async def pause(namespace: str, name: str) -> Response:
        key = ResourceKey(AGENT, namespace, name)
        return await answer(await resources.pause(key, paused=True))

    @router.post("/resume", summary="Run a paused agent again")
    async def resume(namespace: str, name: str) -> Response:
        key = ResourceKey(AGENT, namespace, name)
        return await answer(await resources.pause(key, paused=False))

    return router
