"""`pai install kubernetes`, from looking at the cluster to a platform that answers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pai.cli.failures import CommandError
from pai.cli.install import remembered
from pai.cli.install.apply import Done, Tell, apply_all
from pai.cli.install.changeover import end_other_control
from pai.cli.install.database import secret
from pai.cli.install.leftovers import installed, leftovers
from pai.cli.install.waiting import wait_for_definitions
from pai.kube import Json, Kube
from pai.kube.kinds import SECRETS, SERVICES
from pai.render.platform import DATABASE_SECRET, Options, render_platform
from pai.render.platform.manifest import EDGE, object_name
from pai.render.platform.options import checked

OLDEST_VERSION = (1, 33)


class Wishes(NamedTuple):
    """What this run was asked for. given: options by name, none of them None. url: a secret."""

    namespace: str
    given: Mapping[str, Any]
    url: str | None


def version_of(answer: Json) -> tuple[int, int]:
    """Return major and minor of an API server. Pure."""
    digits = ["".join(filter(str.isdigit, str(answer.get(key, "")))) for key in ("major", "minor")]
    return int(digits[0] or 0), int(digits[1] or 0)


async def install(kube: Kube, wishes: Wishes, definitions: Sequence[Json], tell: Tell) -> Options:
    """Bring the cluster to what the options say; returns them. Nothing may run yet.

    Raises CommandError; what was applied until then stays, and another run goes on from there.
    """
    await _check_version(kube)
    options = await chosen_options(kube, wishes)
    await _check_database(kube, options, wishes.url)
    namespace, *rest = render_platform(options)
    await apply_all(kube, [namespace, *definitions], tell)
    await wait_for_definitions(kube, definitions)
    keep = [remembered.document(options)]
    if wishes.url is not None:
        keep.append(secret(options, wishes.url))
    await end_other_control(kube, options, tell)
    await apply_all(kube, [*keep, *rest], tell)
    await _prune(kube, options, [*keep, *rest], tell)
    return options


async def chosen_options(kube: Kube, wishes: Wishes) -> Options:
    """Return the options of the last run with those given now."""
    before = await remembered.remembered(kube, wishes.namespace)
    start = before or Options(namespace=wishes.namespace)
    return checked(remembered.with_given(start, _with_database(wishes)))


async def edge_address(kube: Kube, options: Options) -> str | None:
    """Return where the edge can be reached from outside, None when there is no such place yet."""
    service = await kube.get(SERVICES, object_name(EDGE), options.namespace)
    status = (service or {}).get("status") or {}
    for entry in (status.get("loadBalancer") or {}).get("ingress") or ():
        return str(entry.get("ip") or entry.get("hostname"))
    return None


def _with_database(wishes: Wishes) -> dict[str, Any]:
    return {**wishes.given, **({"database": "url"} if wishes.url is not None else {})}


async def _check_version(kube: Kube) -> None:
    found = version_of(await kube.version())
    if found < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise CommandError(f"Kubernetes {found[0]}.{found[1]} is too old; {oldest} is the oldest")


async def _check_database(kube: Kube, options: Options, url: str | None) -> None:
    """Raise CommandError when control would wait for a Secret that nobody makes."""
    if options.database != "url" or url is not None:
        return
    if await kube.get(SECRETS, DATABASE_SECRET, options.namespace) is None:
        raise CommandError(f"secret/{DATABASE_SECRET}: not there", hint="--database-url-file FILE")


async def _prune(kube: Kube, options: Options, wanted: Sequence[Json], tell: Tell) -> None:
    """Delete what an older version applied; the database's Secret only with the database."""
    found = await installed(kube, options.namespace)
    for kind, item in leftovers(found, wanted):
        name = str(item["metadata"]["name"])
        if kind == SECRETS and name == DATABASE_SECRET and options.database == "url":
            continue
        await kube.delete(kind, name, item["metadata"].get("namespace"))
        tell(Done(kind.kind, name, "deleted"))
