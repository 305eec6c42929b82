"""Calls on one agent: events, restart, pause, resume."""

from fastapi import APIRouter, Response

from pai.control.documents import AGENT
from pai.control.http.answers import json_answer
from pai.control.http.services import Services
from pai.control.views import shown
from pai.errors import NotFoundError
from pai.ir.agent import AgentKey
from pai.store.record import Record, ResourceKey


def agent_calls(services: Services) -> APIRouter:
    """Return the routes below `/api/v1/namespaces/{namespace}`."""
    router = APIRouter(tags=["agents"], prefix="/agentworkloads/{name}")
    resources = services.resources

    async def answer(record: Record) -> Response:
        return json_answer(shown(record, await services.ledger.balances()))

    @router.get("/events", summary="What happened to an agent, oldest first")
    async def events(namespace: str, name: str) -> Response:
        await existing(services, namespace, name)
        return json_answer({"items": await services.store.events(AgentKey(namespace, name))})

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


async def existing(services: Services, namespace: str, name: str) -> Record:
    """Return an agent's record. Raises NotFoundError."""
    key = ResourceKey(AGENT, namespace, name)
    record = await services.store.get(key)
    if record is None:
        raise NotFoundError(f"{key}: not found")
    return record
