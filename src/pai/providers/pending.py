"""Types which Pai knows but does not serve yet: every request to them is refused, and says so.

A provider of such a type would otherwise leave its hosts either open without a policy or out of
reach without a reason.
"""

from pai.ir.provider import Provider
from pai.policy.engine import unknown_action
from pai.providers.plugin import CredentialError, deny_as_json
from pai.providers.request import Answer, Outgoing, Refusal, Request, Resolved

PENDING_TYPES = ("aws", "azure", "gcp", "github", "mcp", "slack", "telegram")


class Pending:
    """A type without an implementation; fails closed."""

    served = False

    def __init__(self, provider_type: str) -> None:
        self.type = provider_type

    def resolve(self, provider: Provider, request: Request) -> Resolved:
        """Resolve nothing."""
        return Resolved((unknown_action(request.method),))

    def inject(self, provider: Provider, secret: str, request: Request) -> Outgoing:
        """Refuse; no credential of such a provider ever leaves."""
        raise CredentialError(f"provider type {self.type!r} is not served yet")

    def deny(self, refusal: Refusal) -> Answer:
        """Make a 403 with a JSON error."""
        return deny_as_json(refusal)
