"""The first label of an agent's URL."""

import hashlib
import hmac

HOST_ID_LENGTH = 6
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHABET = _LETTERS + "0123456789"


def host_id(namespace: str, name: str, instance_seed: bytes) -> str:
    """Return six letters and digits, a letter first: the same for the same agent and platform.

    Source: HMAC-SHA-256 of `namespace/name`, read as a number in the alphabet's base.
    """
    digest = hmac.new(instance_seed, f"{namespace}/{name}".encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest, "big")
    number, first = divmod(number, len(_LETTERS))
    label = _LETTERS[first]
    while len(label) < HOST_ID_LENGTH:
        number, index = divmod(number, len(_ALPHABET))
        label += _ALPHABET[index]
    return label
