"""Who calls the internal API, and as what."""

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from pai.control.catalog import Catalog
from pai.control.identity import Identities
from pai.ir.agent import AgentKey

Role = Literal["gateway", "edge", "sidecar"]
Known = Callable[[Role], bytes]
"""The present credential of a role; empty = nobody has that role now."""
_ROLES: tuple[Role, ...] = ("gateway", "edge")


_REPLICA_DIGITS = 5


class Caller(msgspec.Struct, frozen=True):
    """A proven caller. agent, replica: of a sidecar. leaving: its agent is being deleted."""

    role: Role
    agent: AgentKey | None = None
    replica: int = 0
    leaving: bool = False


class Callers:
    """Tells callers apart by their credentials.

    known: credentials of gateway and edge. local_only: believe those two on the local socket
    alone; they never come another way on one machine.
    """

    def __init__(
        self, known: Known, identities: Identities, catalog: Catalog, *, local_only: bool = True
    ) -> None:
        self._known = known
        self._identities = identities
        self._catalog = catalog
        self._local_only = local_only

    def identify(self, credential: str, *, local: bool, replica: str = "") -> Caller | None:
        """Return whose credential this is, or None for nobody's.

        local: the call came over the local socket. replica: what a sidecar says of itself where
        all replicas of an agent share a credential; it tells its own agent's replicas apart, no
        more.
        """
        claim = self._identities.sidecar_claim(credential)
        if claim is not None:
            return self._sidecar(claim.uid, _replica(replica, claim.replica))
        offered = credential.encode()
        for role in _ROLES:
            known = self._known(role)
            near = local or not self._local_only
            if near and known and hmac.compare_digest(known, offered):
                return Caller(role)
        return None

    def _sidecar(self, uid: str, replica: int) -> Caller | None:
        key = self._catalog.owner(uid)
        record = self._catalog.record(key) if key else None
        if key is None or record is None:
            return None  # its agent is gone; another of that name has another uid
        return Caller("sidecar", key, replica, leaving=record.deleted_at is not None)


def credential_files(run: Path) -> Known:
    """Return the credentials that the supervisor leaves in a directory at each start."""

    def read(role: Role) -> bytes:
        try:
            return (run / f"{role}.credential").read_bytes().strip()
        except FileNotFoundError:
            return b""

    return read


def _replica(said: str, named: int) -> int:
    plain = said.isascii() and said.isdigit() and len(said) <= _REPLICA_DIGITS
    return int(said) if plain and named == 0 else named
