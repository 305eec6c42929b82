"""What the platform was installed with: kept in the cluster, so that an upgrade needs no flags."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pai.cli.failures import CommandError
from pai.kube import Json, Kube
from pai.kube.kinds import CONFIG_MAPS
from pai.render.platform import Options
from pai.render.platform.manifest import namespaced

NAME = "pai-install"
_KEY = "options.json"


def with_given(options: Options, given: Mapping[str, Any]) -> Options:
    """Return `options` with every flag that was given (is not None). Pure."""
    changes = {name: value for name, value in given.items() if value is not None}
    if changes.get("tls_secret"):
        changes.setdefault("url_scheme", "https")
    return msgspec.structs.replace(options, **changes)


def document(options: Options) -> Json:
    """Return the ConfigMap that keeps `options`. Pure."""
    text = msgspec.json.format(msgspec.json.encode(options)).decode()
    return {**namespaced(options, "v1", "ConfigMap", NAME), "data": {_KEY: text}}


async def remembered(kube: Kube, namespace: str) -> Options | None:
    """Return the options of the last run, None when there was none.

    Raises CommandError when they can't be read.
    """
    found = await kube.get(CONFIG_MAPS, NAME, namespace)
    if found is None:
        return None
    try:
        return msgspec.json.decode(found["data"][_KEY], type=Options)
    except (msgspec.DecodeError, LookupError, TypeError) as error:
        raise CommandError(
            f"configmap/{NAME}: {error}",
            hint=f"a newer pai wrote it; or delete it (kubectl -n {namespace} delete configmap "
            f"{NAME}) and give all options again",
        ) from error
