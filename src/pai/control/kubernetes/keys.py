"""The platform's keys on a cluster: one Secret in its own namespace, made by whoever comes first.

Everything else derives from them; who can read this Secret can read every secret of the platform.
"""

import base64
import secrets
from datetime import datetime
from typing import NamedTuple

from pai.control.pki import new_authority
from pai.errors import SpecError
from pai.kube import Kube, KubeRefusedError
from pai.kube.kinds import SECRETS
from pai.render.labels import MANAGED_BY
from pai.store.instance_key import InstanceKey

NAME = "pai-keys"
_KEY, _AUTHORITY = "instance.key", "ca.pem"
_KEY_BYTES = 32


class PlatformKeys(NamedTuple):
    """The instance key, and the CA's key and certificate as one PEM."""

    instance: InstanceKey
    authority_pem: bytes


async def platform_keys(kube: Kube, namespace: str, now: datetime) -> PlatformKeys:
    """Return the platform's keys; made on first use, whole or not at all.

    Raises SpecError when the Secret is there and is not ours to use.
    """
    found = await kube.get(SECRETS, NAME, namespace)
    if found is None:
        try:
            found = await kube.create(_document(namespace, now))
        except KubeRefusedError as error:
            if error.status != 409:
                raise
            found = await kube.get(SECRETS, NAME, namespace)  # another replica was faster
    entries = (found or {}).get("data") or {}
    if _KEY not in entries or _AUTHORITY not in entries:
        raise SpecError(
            f"Secret {namespace}/{NAME}: {_KEY} or {_AUTHORITY} is missing",
            hint="restore it from a backup; without it no agent's identity can be continued",
        )
    key = InstanceKey(base64.b64decode(entries[_KEY]))
    return PlatformKeys(key, base64.b64decode(entries[_AUTHORITY]))


def _document(namespace: str, now: datetime) -> dict[str, object]:
    values = {_KEY: secrets.token_bytes(_KEY_BYTES), _AUTHORITY: new_authority(now)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": namespace, "labels": {MANAGED_BY: "pai"}},
        "type": "Opaque",
        "immutable": True,
        "data": {name: base64.b64encode(value).decode() for name, value in values.items()},
    }
