"""Reasoning items: the one place of this dialect for a vendor's seal.

`encrypted_content` is opaque to clients, who send it back unchanged. OpenAI's own stands as it is;
another vendor's is marked, `anthropic:...`, and one without any shown text `anthropic.hidden:...`.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from pai.dialect.conversation import Thinking, Vendor
from pai.dialect.responses.content import texts_of

_HIDDEN = ".hidden"
_MARKS: dict[str, tuple[Vendor, bool]] = {
    "anthropic": ("anthropic", False),
    "anthropic" + _HIDDEN: ("anthropic", True),
    "gemini": ("gemini", False),
    "gemini" + _HIDDEN: ("gemini", True),
}
_JOINT = "\n\n"


class Summary(msgspec.Struct):
    """One part of what is shown."""

    text: str = ""


def thinking_of(
    summary: Iterable[Summary], content: Raw, sealed: str | None, place: str
) -> Thinking | None:
    """Return what a reasoning item holds; None for nothing. content: the thoughts themselves."""
    text = _JOINT.join(part.text for part in summary)
    text = text or _JOINT.join(part.text for part in texts_of(content, place))
    if not sealed:
        return Thinking(text=text) if text else None
    mark, colon, seal = sealed.partition(":")
    if colon and mark in _MARKS:
        vendor, hidden = _MARKS[mark]
        return Thinking(text=text, seal=seal, vendor=vendor, hidden=hidden)
    return Thinking(text=text, seal=sealed, vendor="openai", hidden=not text)


def sealed_content(thinking: Thinking) -> str | None:
    """Return `encrypted_content` for thoughts of any vendor; None when they have no seal."""
    if not thinking.seal:
        return None
    if thinking.vendor in ("openai", ""):
        return thinking.seal
    return f"{thinking.vendor}{_HIDDEN if thinking.hidden else ''}:{thinking.seal}"
