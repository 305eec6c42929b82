"""What each provider type brings with it: hosts, the way to sign in, the agent's variable."""

from typing import NamedTuple

from pai.api.provider import AUTH_TYPES, ProviderType


class ProviderDefaults(NamedTuple):
    """Defaults of one type. hosts: exact, or `*.suffix`."""

    hosts: tuple[str, ...]
    env_var: str | None
    header: str = "Authorization"
    prefix: str = "Bearer "


# Sources: the vendors' API references; hosts as in docs/reference/fields.md.
PROVIDER_TYPES: dict[ProviderType, ProviderDefaults] = {
    "github": ProviderDefaults(
        (
            "api.github.com",
            "github.com",
            "uploads.github.com",
            "codeload.github.com",
            "raw.githubusercontent.com",
        ),
        "GITHUB_TOKEN",
    ),
    "telegram": ProviderDefaults(("api.telegram.org",), "TELEGRAM_BOT_TOKEN"),
    "slack": ProviderDefaults(("slack.com", "*.slack.com"), "SLACK_BOT_TOKEN"),
    "aws": ProviderDefaults(("*.amazonaws.com",), "AWS_SECRET_ACCESS_KEY"),
    "gcp": ProviderDefaults(("*.googleapis.com",), "GOOGLE_APPLICATION_CREDENTIALS"),
    "azure": ProviderDefaults(
        ("management.azure.com", "*.blob.core.windows.net"), "AZURE_CLIENT_SECRET"
    ),
    "http-token": ProviderDefaults((), None),
    "mcp": ProviderDefaults((), None),
}


def default_auth_type(provider_type: ProviderType) -> str:
    """Return how a type signs in when nothing else is written."""
    return AUTH_TYPES[provider_type][0]
