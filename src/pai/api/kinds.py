"""The four kinds: model, plural in URLs, noun on the command line."""

from typing import NamedTuple

from pai.api.agentworkload import AgentWorkload
from pai.api.metadata import API_VERSION
from pai.api.modelbinding import ModelBinding
from pai.api.provider import Provider
from pai.api.secret import Secret

Resource = AgentWorkload | ModelBinding | Provider | Secret


class Kind(NamedTuple):
    """One kind. plural: in URLs; noun, nouns: on the command line."""

    kind: str
    model: type[AgentWorkload] | type[ModelBinding] | type[Provider] | type[Secret]
    plural: str
    noun: str
    nouns: str


KINDS: dict[str, Kind] = {
    entry.kind: entry
    for entry in (
        Kind("AgentWorkload", AgentWorkload, "agentworkloads", "agent", "agents"),
        Kind("ModelBinding", ModelBinding, "modelbindings", "model", "models"),
        Kind("Provider", Provider, "providers", "service", "services"),
        Kind("Secret", Secret, "secrets", "secret", "secrets"),
    )
}
BY_PLURAL: dict[str, Kind] = {entry.plural: entry for entry in KINDS.values()}
BY_NOUN: dict[str, Kind] = {
    word: entry for entry in KINDS.values() for word in (entry.noun, entry.nouns)
}

__all__ = ["API_VERSION", "BY_NOUN", "BY_PLURAL", "KINDS", "Kind", "Resource"]
