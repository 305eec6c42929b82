"""Other vendors' seals in the place of Anthropic's: a signature that names its vendor.

A client keeps a thought's signature and sends it back with the turn, whatever is in it.
"""

from typing import Literal

from pai.dialect.conversation import Vendor

_PREFIXES: tuple[tuple[Vendor, str], ...] = (("gemini", "gemini:"), ("openai", "openai:"))


def seal_data(vendor: Vendor | Literal[""], seal: str) -> str:
    """Return a seal as a signature; Anthropic's own goes as it is."""
    for each, prefix in _PREFIXES:
        if each == vendor and seal:
            return prefix + seal
    return seal


def open_data(data: str) -> tuple[Vendor | Literal[""], str]:
    """Return the vendor of a signature and its seal; "" for both when there is none."""
    for vendor, prefix in _PREFIXES:
        if data.startswith(prefix):
            return vendor, data[len(prefix) :]
    return ("anthropic", data) if data else ("", "")
