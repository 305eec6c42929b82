"""Who calls the internal API, and as what."""

import hmac
from pathlib import Path
from typing import Literal

import msgspec

from pai.control.catalog import Catalog
from pai.control.identity import Identities
from pai.ir.agent import AgentKey

Role = Literal["gateway", "edge", "sidecar"]
_FILES: tuple[tuple[Role, str], ...] = (
    ("gateway", "gateway.credential"),
    ("edge", "edge.credential"),
)


class Caller(msgspec.Struct, frozen=True):
    """A proven caller. agent, replica: of a sidecar. leaving: its agent is being deleted."""

    role: Role
    agent: AgentKey | None = None
    replica: int = 0
    leaving: bool = False


class Callers:
    """Tells callers apart by their credentials.

    run: directory in which the supervisor leaves those of gateway and edge at each start.
    """

    def __init__(self, run: Path, identities: Identities, catalog: Catalog) -> None:
        self._run = run
        self._identities = identities
        self._catalog = catalog

    def identify(self, credential: str, *, local: bool) -> Caller | None:
        """Return whose credential this is, None for nobody's.

        local: the call came over the local socket; gateway and edge never come another way.
        """
        claim = self._identities.sidecar_claim(credential)
        if claim is not None:
            return self._sidecar(claim.uid, claim.replica)
        offered = credential.encode()
        for role, name in _FILES:
            known = self._read(name)
            if local and known and hmac.compare_digest(known, offered):
                return Caller(role)
        return None

    def _sidecar(self, uid: str, replica: int) -> Caller | None:
        key = self._catalog.owner(uid)
        record = self._catalog.record(key) if key else None
        if key is None or record is None:
            return None  # its agent is gone; another of that name has another uid
        return Caller("sidecar", key, replica, leaving=record.deleted_at is not None)

    def _read(self, name: str) -> bytes:
        try:
            return (self._run / name).read_bytes().strip()
        except FileNotFoundError:
            return b""
