"""Calls on resources of every kind: list, watch, create, replace, delete, apply."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from pai.control.documents import AGENT, document_of, kind_of
from pai.control.http.answers import json_answer
from pai.control.http.bodies import ApplyBody, read_json
from pai.control.http.services import Services
from pai.control.http.watch import watch_answer
from pai.control.views import shown
from pai.errors import NotFoundError, SpecError
from pai.store.record import ResourceKey

MAX_DOCUMENTS = 1000


def resource_calls(services: Services) -> APIRouter:
    """Return the routes below `/api/v1/namespaces/{namespace}`."""
    router = APIRouter(tags=["resources"])
    store, resources = services.store, services.resources

    @router.post("/apply", summary="Create or update documents, all or none")
    async def apply(namespace: str, request: Request) -> Response:
        body = await read_json(request, ApplyBody)
        if not 0 < len(body.documents) <= MAX_DOCUMENTS:
            raise SpecError(f"documents: want 1 to {MAX_DOCUMENTS}, got {len(body.documents)}")
        applied = await resources.apply(
            body.documents,
            namespace,
            personal_env=body.personal_env,
            create=body.create,
            dry_run=body.dry_run,
        )
        results = [
            {
                "kind": item.written.record.key.kind,
                "name": item.written.record.key.name,
                "result": item.written.outcome,
                "warnings": list(item.warnings),
            }
            for item in applied
        ]
        return json_answer({"results": results})

    @router.get("/{plural}", summary="List, or with watch=true stream changes")
    async def listed(
        namespace: str,
        plural: str,
        watch: bool = False,
        version: Annotated[int | None, Query(alias="resourceVersion", ge=0)] = None,
    ) -> Response:
        kind = kind_of(plural)
        if watch:
            return await watch_answer(store, services.news, kind, namespace, version)
        records, newest = await store.find(kind, namespace)
        balances = await services.ledger.balances() if kind == AGENT else {}
        items = [shown(record, balances) for record in records]
        return json_answer({"items": items, "resourceVersion": str(newest)})

    @router.post("/{plural}", summary="Create one resource")
    async def create(namespace: str, plural: str, request: Request) -> Response:
        document = await _document(request, kind_of(plural), None)
        [applied] = await resources.apply([document], namespace, create=True)
        return json_answer(document_of(applied.written.record), 201)

    @router.get("/{plural}/{name}", summary="Get one resource")
    async def get(namespace: str, plural: str, name: str) -> Response:
        key = ResourceKey(kind_of(plural), namespace, name)
        record = await store.get(key)
        if record is None:
            raise NotFoundError(f"{key}: not found")
        balances = await services.ledger.balances() if key.kind == AGENT else {}
        return json_answer(shown(record, balances))

    @router.put("/{plural}/{name}", summary="Replace one resource")
    async def replace(namespace: str, plural: str, name: str, request: Request) -> Response:
        document = await _document(request, kind_of(plural), name)
        [applied] = await resources.apply([document], namespace)
        return json_answer(document_of(applied.written.record))

    @router.delete("/{plural}/{name}", summary="Delete one resource")
    async def delete(namespace: str, plural: str, name: str, volumes: bool = False) -> Response:
        key = ResourceKey(kind_of(plural), namespace, name)
        return json_answer(document_of(await resources.delete(key, volumes=volumes)))

    return router


async def _document(request: Request, kind: str, name: str | None) -> dict[str, Any]:
    document = await read_json(request, dict[str, Any])
    if document.get("kind", kind) != kind:
        raise SpecError(f"kind: this address is for {kind}")
    metadata = document.get("metadata")
    written = metadata.get("name") if isinstance(metadata, dict) else None
    if name is not None and written is not None and written != name:
        raise SpecError(f"metadata.name: this address is for {name!r}")
    return document
