"""Read the engine's inspect documents as `pai.reconcile` values. Pure."""

import re
from datetime import UTC, datetime
from typing import Any, get_args

from pai.ir.agent import AgentKey
from pai.reconcile import ObservedContainer, ObservedVolume
from pai.render import labels
from pai.render.containers import Step
from pai.runtime.containers.frames import frames

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_NEVER_RAN = frozenset({"created", "configured", "initialized"})
_LINE_LENGTH = 300
STEPS: frozenset[str] = frozenset(get_args(Step))


def agent_key(found: dict[str, str]) -> AgentKey | None:
    """Return whose an object is, None when its labels don't say."""
    namespace, name = found.get(labels.NAMESPACE), found.get(labels.AGENT)
    return AgentKey(namespace, name) if namespace and name else None


def container(document: dict[str, Any], last_log: str = "") -> ObservedContainer | None:
    """Return one container, None when it bears none of our steps."""
    state, config = document["State"], document["Config"]
    marks: dict[str, str] = config.get("Labels") or {}
    step = marks.get(labels.STEP, "")
    if step not in STEPS or not marks.get(labels.REPLICA, "").isdecimal():
        return None
    born = str(state.get("StartedAt", ""))
    started_at = moment(born)
    status = str(state.get("Status", ""))
    return ObservedContainer(
        name=str(document["Name"]).lstrip("/"),
        id=str(document["Id"]),
        step=step,  # type: ignore[arg-type]  # checked against STEPS
        replica=int(marks[labels.REPLICA]),
        digest=marks.get(labels.DIGEST, ""),
        pod=marks.get(labels.POD, ""),
        running=bool(state.get("Running")),
        started=status not in _NEVER_RAN and started_at is not None,
        exit_code=int(state.get("ExitCode", 0)),
        oom_killed=bool(state.get("OOMKilled")),
        started_at=started_at,
        finished_at=moment(str(state.get("FinishedAt", ""))),
        born=born,
        error=str(state.get("Error", "")),
        last_log=last_log,
        address=_address(document),
        memory_bytes=int((document.get("HostConfig") or {}).get("Memory") or 0),
    )


def volume(document: dict[str, Any]) -> ObservedVolume | None:
    """Return one volume, None when it is not a replica's."""
    marks: dict[str, str] = document.get("Labels") or {}
    replica, name = marks.get(labels.REPLICA, ""), marks.get(labels.VOLUME, "")
    if not replica.isdecimal() or not name:
        return None
    return ObservedVolume(
        name=str(document["Name"]), replica=int(replica), keep=not name.startswith(".")
    )


def moment(text: str) -> datetime | None:
    """Return an engine's time, None for its zero. Nanoseconds are cut to microseconds."""
    match = _TIME.fullmatch(text)
    if match is None or text.startswith("0001-"):
        return None
    base, fraction, zone = match.groups()
    zone = "+00:00" if zone == "Z" else zone
    micros = (fraction or "0")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{base}.{micros}{zone}").astimezone(UTC)


def last_line(raw: bytes) -> str:
    """Return the last line that says something, fit for a status: one line, printable, short.

    Standard error speaks first, as engines don't keep the order between the two channels.
    """
    split = frames(raw)
    for channel in ("stderr", "stdout"):
        text = b"".join(part for name, part in split if name == channel).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            plain = "".join(char if char.isprintable() else " " for char in lines[-1])
            return plain[:_LINE_LENGTH]
    return ""


def _address(document: dict[str, Any]) -> str | None:
    networks = (document.get("NetworkSettings") or {}).get("Networks") or {}
    found = [str(entry["IPAddress"]) for entry in networks.values() if entry.get("IPAddress")]
    return found[0] if found else None
