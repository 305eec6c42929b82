"""Names and tokens of agents, derived from the instance key: nothing to store, nothing to lose.

All depend on the agent's uid, so they end with the agent; one made anew under its name gets others.
"""

import hashlib
import hmac

import msgspec

from pai.providers.dummies import dummy
from pai.store.instance_key import InstanceKey

_SIDECAR_PREFIX = "pai_sc"


class SidecarClaim(msgspec.Struct, frozen=True):
    """What a sidecar's credential says of it, once verified."""

    uid: str
    replica: int


class Identities:
    """Derives and verifies tokens."""

    def __init__(self, key: InstanceKey) -> None:
        self._key = key

    def gateway_token(self, uid: str) -> str:
        """Return the token by which the gateway knows the agent; only its sidecar gets it."""
        return f"pai_gw_{self._key.derive('gateway-token', uid).hex()}"

    def gateway_token_sha256(self, uid: str) -> str:
        """Return what the gateway gets in place of the token."""
        return hashlib.sha256(self.gateway_token(uid).encode()).hexdigest()

    def edge_token(self, uid: str) -> str:
        """Return the token by which an agent's sidecar knows the edge."""
        return f"pai_edge_{self._key.derive('edge-token', uid).hex()}"

    def dummy(self, uid: str, kind: str, place: str) -> str:
        """Return the dummy credential of an agent. place: a provider's name or an LLM vendor."""
        return dummy(kind, self._key.derive("dummy", uid, kind, place))

    def sidecar_credential(self, uid: str, replica: int) -> str:
        """Return the credential of one replica's sidecar for the internal API."""
        return f"{_SIDECAR_PREFIX}.{uid}.{replica}.{self._sidecar_mac(uid, replica)}"

    def sidecar_claim(self, credential: str) -> SidecarClaim | None:
        """Return whose credential this is, or None when it is not genuine."""
        parts = credential.split(".")
        if len(parts) != 4 or parts[0] != _SIDECAR_PREFIX:
            return None
        uid, replica, mac = parts[1], parts[2], parts[3]
        if not (replica.isascii() and replica.isdigit() and len(replica) <= 5):
            return None
        claim = SidecarClaim(uid, int(replica))
        expected = self.sidecar_credential(uid, claim.replica)
        genuine = hmac.compare_digest(expected.encode(), credential.encode()) and bool(mac)
        return claim if genuine else None

    def role_credential(self, role: str) -> str:
        """Return the credential of gateway or edge where no supervisor hands one out."""
        return f"pai_role.{role}.{self._key.derive('role-credential', role).hex()}"

    def metrics_token(self) -> str:
        """Return the token that opens the platform's figures, and nothing else."""
        return f"pai_metrics_{self._key.derive('metrics-token').hex()}"

    def metrics_token_sha256(self) -> str:
        """Return what gateways get in place of that token."""
        return hashlib.sha256(self.metrics_token().encode()).hexdigest()

    def _sidecar_mac(self, uid: str, replica: int) -> str:
        return self._key.derive("sidecar-credential", uid, str(replica)).hex()
