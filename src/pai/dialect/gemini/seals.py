"""Vendors' seals in `thoughtSignature`, which for Google's clients is base64 of anything.

Gemini's own stay as they are; those of others are packed with their vendor's name, so that a client
brings them back with the part.
"""

from base64 import b64decode, b64encode
from binascii import Error

from pai.dialect.conversation import Thinking, ToolCall, Vendor

NO_SIGNATURE = "skip_thought_signature_validator"
"""What Google takes in place of a signature, for calls that it did not make itself.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures
"""
_MARK = b"pai-seal:"
_VENDORS: dict[bytes, Vendor] = {b"openai": "openai", b"anthropic": "anthropic"}
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def signature_of(part: Thinking | ToolCall) -> str:
    """Return the `thoughtSignature` of a part; "" when it has none."""
    if not part.seal or part.vendor == "gemini":
        return part.seal
    return b64encode(_MARK + part.vendor.encode() + b":" + part.seal.encode()).decode()


def open_signature(signature: str) -> tuple[Vendor, str]:
    """Return whose seal a signature is, and the seal. SDKs may write base64's other alphabet."""
    text = signature.encode().translate(_URL_SAFE).rstrip(b"=")
    try:
        packed = b64decode(text + b"=" * (-len(text) % 4), validate=True)
        vendor, colon, seal = packed.removeprefix(_MARK).partition(b":")
        if packed.startswith(_MARK) and colon and vendor in _VENDORS:
            return _VENDORS[vendor], seal.decode()
    except (Error, ValueError):
        pass
    return "gemini", signature
