"""Another kind of database: the control of the old one ends before that of the new one starts.

A rollout can't do that. It first brings the old template to the new number of replicas, which
would be two processes on one SQLite file; and the way back waits for ever for what never started.
"""

import asyncio
import time

from pai.cli.failures import CommandError
from pai.cli.install import waiting
from pai.cli.install.apply import Done, Tell
from pai.kube import Json, Kube
from pai.kube.kinds import DEPLOYMENTS
from pai.render.platform import Options
from pai.render.platform.manifest import CONTROL, object_name

_SECONDS = 120.0


async def end_other_control(kube: Kube, options: Options, tell: Tell) -> None:
    """Delete control's Deployment when it is for another kind of database; return when it is gone.

    Agents go on meanwhile. Raises CommandError when its pods do not end.
    """
    name = object_name(CONTROL)
    found = await kube.get(DEPLOYMENTS, name, options.namespace)
    if found is None or _is_for(found, options):
        return
    until = time.monotonic() + _SECONDS
    await kube.delete(DEPLOYMENTS, name, options.namespace, propagation="Foreground")
    tell(Done(DEPLOYMENTS.kind, name, "deleted"))
    while await kube.get(DEPLOYMENTS, name, options.namespace) is not None:
        if time.monotonic() >= until:
            raise CommandError(
                f"deployment/{name}: its pods do not end",
                hint=f"kubectl -n {options.namespace} get pods; then the same command again",
            )
        await asyncio.sleep(waiting.PAUSE_SECONDS)


def _is_for(deployment: Json, options: Options) -> bool:
    """Say whether a Deployment is for this kind of database: what shares no file may overlap."""
    overlaps = (deployment["spec"].get("strategy") or {}).get("type") != "Recreate"
    return overlaps is (options.database == "url")
