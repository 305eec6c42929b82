"""The interface of a provider type. Implementations are stateless; one instance serves all."""

from typing import Protocol

import msgspec

from pai.errors import SpecError
from pai.ir.provider import Provider
from pai.providers.request import Answer, Outgoing, Refusal, Request, Resolved


class CredentialError(SpecError):
    """A provider's secret is missing or can't be used as it is. Never holds the value."""

    reason = "CredentialUnusable"


class ProviderPlugin(Protocol):
    """One type of outside service.

    served: False while requests to this type are refused whatever its policy says.
    """

    type: str
    served: bool

    def resolve(self, provider: Provider, request: Request) -> Resolved:
        """Name the actions of a request and what they act upon."""

    def inject(self, provider: Provider, secret: str, request: Request) -> Outgoing:
        """Take the agent's own credential out of a request and put the real one in.

        Raises CredentialError when the secret can't stand where it has to.
        """

    def deny(self, refusal: Refusal) -> Answer:
        """Make the refusal in the service's own error shape, so that client libraries show it."""


def deny_as_json(refusal: Refusal) -> Answer:
    """Make a 403 in the shape of services that have none of their own."""
    error = {
        "code": refusal.code,
        "message": refusal.message,
        "provider": refusal.provider,
        "action": refusal.action,
        "resource": refusal.resource,
        "rule": refusal.rule,
    }
    body = msgspec.json.encode({"error": error})
    return Answer(403, [(b"content-type", b"application/json")], body)


def secret_of(provider: Provider, credential: dict[str, str]) -> str:
    """Return the entry of the secret which the provider names, without white space around it.

    Raises CredentialError when the provider names none or the secret does not hold it.
    """
    reference = provider.secret
    if reference is None:
        raise CredentialError(
            f"provider {provider.name!r} names no secret", hint="set auth.secretRef"
        )
    value = credential.get(reference.key, "").strip()
    if not value:
        raise CredentialError(
            f"secret {reference.name!r} has no value under key {reference.key!r}",
            hint=f"pai add secret {reference.name} {reference.key}=...",
        )
    return value
