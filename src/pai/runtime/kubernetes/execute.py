"""Carry out planned actions on a cluster; each may be cut short and carried out again."""

from base64 import b64encode
from collections.abc import Callable

from pai.ir.agent import AgentKey
from pai.kube import Kube
from pai.kube.kinds import kind_named
from pai.reconcile.kubernetes import Action, Apply, Delete, Json, Patch, ref_of
from pai.reconcile.kubernetes.observed import owner_uid
from pai.render.kubernetes import SOURCE
from pai.runtime.kubernetes.inventory import Inventory

MANAGER = "pai-control"
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
        ref = ref_of(document)
        if not self._inventory.knows(key, ref):
            # Applying would merge into whatever bears the name; mirrors show only what is ours.
            kind = kind_named(ref.api_version, ref.kind)
            found = await self._kube.get(kind, ref.name, key.namespace)
            if found is not None and owner_uid(found) is None:
                self._inventory.put_foreign(key, found)
                return False
        answer = await self._kube.apply(self._filled(key, document), manager=manager)
        self._inventory.put(key, answer)
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
