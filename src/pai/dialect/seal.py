"""Carry a vendor's seal in a tool call's id, through clients that have no other place for it.

Gemini wants the signature of a call back with it; most clients keep nothing of a call but its id.
So the id itself carries the seal: `ID-ps-VENDOR-SEAL`, the seal in the alphabet that ids may have
(letters, digits, `-`, `_`). An id without the mark is the client's or vendor's own and stays.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from pai.dialect.conversation import Vendor

_MARK = "-ps-"
_VENDORS: dict[str, Vendor] = {"g": "gemini", "a": "anthropic", "o": "openai"}
_LETTERS = {vendor: letter for letter, vendor in _VENDORS.items()}


def sealed_id(call_id: str, vendor: Vendor, seal: str) -> str:
    """Return an id that carries the seal; the id itself when there is none."""
    if not seal:
        return call_id
    text = urlsafe_b64encode(seal.encode()).decode().rstrip("=")
    return f"{call_id}{_MARK}{_LETTERS[vendor]}-{text}"


def open_id(call_id: str) -> tuple[str, Vendor | None, str]:
    """Return the id without its seal, the seal's vendor and the seal."""
    plain, mark, rest = call_id.rpartition(_MARK)
    letter, dash, text = rest.partition("-")
    if not (plain and mark and dash and text and letter in _VENDORS):
        return call_id, None, ""
    try:
        seal = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (Error, ValueError):
        return call_id, None, ""
    return plain, _VENDORS[letter], seal
