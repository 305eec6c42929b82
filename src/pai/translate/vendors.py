"""LLM vendors: base URLs and the hostnames that lead to the gateway."""

from urllib.parse import urlsplit

from pai.api.modelbinding import Vendor

ENDPOINTS: dict[Vendor, str] = {
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
}
# Taken from every agent to the gateway, so that a hard-coded URL works and stays metered.
LLM_HOSTS: tuple[str, ...] = tuple(
    sorted(host for url in ENDPOINTS.values() if (host := urlsplit(url).hostname))
)
