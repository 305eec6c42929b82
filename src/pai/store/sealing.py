"""Seal secret values: AES-256-GCM under a key derived from the instance key.

The additional data binds a sealed value to its place: copied to another secret, entry or object
it does not open. Layout: version byte, 12 bytes nonce, ciphertext with tag.
"""

import json
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pai.store.errors import KeyMismatchError
from pai.store.instance_key import InstanceKey

_VERSION = b"\x01"
_NONCE_BYTES = 12


class Sealer:
    """Seals and opens values for one installation."""

    def __init__(self, key: InstanceKey) -> None:
        self._aead = AESGCM(key.derive("seal-secrets"))
        self.check_value = key.derive("seal-check").hex()

    def seal(self, value: str, *place: str) -> bytes:
        """Return the sealed form of `value` for that place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, value.encode(), _aad(place))

    def open(self, sealed: bytes, *place: str) -> str:
        """Return the value. Raises KeyMismatchError when key or place are not those it has."""
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            return self._aead.decrypt(nonce, body, _aad(place)).decode()
        except InvalidTag:
            raise KeyMismatchError(
                "a sealed secret does not open with this instance.key, or was moved",
                hint="restore instance.key from a backup, or apply the Secret again",
            ) from None


def _aad(place: tuple[str, ...]) -> bytes:
    return _VERSION + json.dumps(place).encode()
