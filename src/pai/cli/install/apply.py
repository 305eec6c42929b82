"""Apply documents one by one, and tell what became of each."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from pai.cli.failures import CommandError
from pai.kube import Json, Kube, KubeRefusedError, kind_of
from pai.render.platform import INSTALLER

Outcome = Literal["created", "configured", "unchanged", "deleted", "kept"]


class Done(NamedTuple):
    """What became of one object."""

    kind: str
    name: str
    result: Outcome


Tell = Callable[[Done], None]


async def apply_all(kube: Kube, documents: Iterable[Json], tell: Tell) -> None:
    """Apply each document in order. Raises CommandError naming the one that is refused."""
    for document in documents:
        tell(await apply_one(kube, document))


async def apply_one(kube: Kube, document: Json) -> Done:
    """Apply one document; nothing is written when the cluster holds it already."""
    kind, metadata = kind_of(document), document["metadata"]
    name = str(metadata["name"])
    try:
        before = await kube.get(kind, name, metadata.get("namespace"))
        after = await kube.apply(document, manager=INSTALLER)
    except KubeRefusedError as error:
        raise refused(f"{kind.kind.lower()}/{name}", error) from error
    return Done(kind.kind, name, _outcome(before, after))


def refused(what: str, error: KubeRefusedError) -> CommandError:
    """Return the error with the object it is about, and the right that is missing."""
    hint = error.hint
    if error.status == 403:
        hint = "installing needs the rights of cluster-admin"
    return CommandError(f"{what}: {error.message}", hint=hint)


def _outcome(before: Json | None, after: Json) -> Outcome:
    if before is None:
        return "created"
    same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    return "unchanged" if same else "configured"
