"""The four kinds of resource, and every word a user may call them by."""

from typing import NamedTuple

from pai.cli.failures import UsageError
from pai.errors import did_you_mean


class Kind(NamedTuple):
    """One kind. noun: the command line's word; kind, plural: the API's."""

    noun: str
    kind: str
    plural: str


AGENT = Kind("agent", "AgentWorkload", "agentworkloads")
MODEL = Kind("model", "ModelBinding", "modelbindings")
SERVICE = Kind("service", "Provider", "providers")
SECRET = Kind("secret", "Secret", "secrets")
KINDS = (AGENT, MODEL, SERVICE, SECRET)

NOUNS = tuple(kind.noun for kind in KINDS)
NOUNS_PLURAL = tuple(f"{kind.noun}s" for kind in KINDS)
_BY_WORD = {
    word: kind
    for kind in KINDS
    for word in (kind.noun, f"{kind.noun}s", kind.kind.lower(), kind.plural)
}


def kind_named(word: str) -> Kind:
    """Return the kind that `word` means, singular or plural, noun or API kind.

    Raises UsageError naming the closest word.
    """
    kind = _BY_WORD.get(word.lower())
    if kind is None:
        hint = did_you_mean(word.lower(), sorted(_BY_WORD))
        raise UsageError(f"no kind of resource named {word!r}", hint=hint or f"one of {_listed()}")
    return kind


def kind_of(api_kind: str) -> Kind | None:
    """Return the kind with the API name `api_kind`, or None."""
    return next((kind for kind in KINDS if kind.kind == api_kind), None)


def _listed() -> str:
    return ", ".join(NOUNS)
