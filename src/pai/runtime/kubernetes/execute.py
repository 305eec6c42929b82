"""Carry out planned actions on a cluster; each may be cut short and carried out again."""

from base64 import b64encode
from collections.abc import Callable

from pai.ir.agent import AgentKey
from pai.kube import Kube, KubeRefusedError
from pai.kube.kinds import kind_named
from pai.reconcile.kubernetes import Action, Apply, Delete, Json, Patch, ref_of
from pai.reconcile.kubernetes.observed import owner_uid
from pai.render.kubernetes import SOURCE
from pai.runtime.kubernetes.inventory import Inventory

MANAGER = "pai-control"
# A version that no object has: applied with it, an object is made, and one that exists is refused.
_NEVER = "1"
_CONFLICT = 409
SecretContent = Callable[[str, AgentKey], dict[str, str]]


class Executor:
    """Turn each action into calls of the API server.

    secret_content: source named in a rendered Secret, and its agent, to entries.
    """

    def __init__(self, kube: Kube, inventory: Inventory, secret_content: SecretContent) -> None:
        self._kube = kube
        self._inventory = inventory
        self._secret_content = secret_content

    async def execute(self, key: AgentKey, action: Action) -> bool:
        """Carry out one action; False when a name turned out to be somebody else's.

        Raises KubeRefusedError, KubeUnavailableError.
        """
        match action:
            case Apply(document, manager):
                return await self._apply(key, document, manager or MANAGER)
            case Delete(ref, uid, orphan):
                kind = kind_named(ref.api_version, ref.kind)
                how = "Orphan" if orphan else "Background"
                await self._kube.delete(kind, ref.name, key.namespace, propagation=how, uid=uid)
            case Patch(ref, change):
                kind = kind_named(ref.api_version, ref.kind)
                await self._kube.patch(kind, ref.name, key.namespace, change, manager=MANAGER)
        return True

    async def _apply(self, key: AgentKey, document: Json, manager: str) -> bool:
        filled = self._filled(key, document)
        answer = None
        if not self._inventory.knows(key, ref_of(document)):
            # Applying would merge into whatever bears the name; mirrors show only what is ours.
            answer = await self._made(filled, manager)
            if answer is None and await self._is_anothers(key, document):
                return False
        if answer is None:
            answer = await self._kube.apply(filled, manager=manager)
        self._inventory.put(key, answer)
        return True

    async def _made(self, document: Json, manager: str) -> Json | None:
        """Apply an object that is not there; None when it is, whoever made it."""
        metadata = {**document["metadata"], "resourceVersion": _NEVER}
        try:
            return await self._kube.apply({**document, "metadata": metadata}, manager=manager)
        except KubeRefusedError as error:
            if error.status != _CONFLICT:
                raise
            return None

    async def _is_anothers(self, key: AgentKey, document: Json) -> bool:
        """Say whether a name is another's, and remember it."""
        ref = ref_of(document)
        kind = kind_named(ref.api_version, ref.kind)
        found = await self._kube.get(kind, ref.name, key.namespace)
        if found is None or owner_uid(found) is not None:
            return False
        self._inventory.put_foreign(key, found)
        return True

    def _filled(self, key: AgentKey, document: Json) -> Json:
        source = document["metadata"].get("annotations", {}).get(SOURCE)
        if document["kind"] != "Secret" or source is None:
            return document
        # `data` and not `stringData`: server-side apply keeps track of what is stored.
        return {**document, "data": encoded(self._secret_content(source, key))}


def encoded(entries: dict[str, str]) -> dict[str, str]:
    """Return the entries of a Secret as the API server stores them."""
    return {name: b64encode(text.encode()).decode() for name, text in entries.items()}
