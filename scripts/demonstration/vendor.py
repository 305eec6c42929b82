"""Which model the demo asks: a vendor whose key is here, a server that was named, or the script."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import httpx
from scripts.demonstration.failure import DemoError


class Vendor(NamedTuple):
    """Where the model is. model: empty = the first that the endpoint lists.

    variable: the environment variable that holds the key; None = the scripted server.
    """

    name: str
    provider: str
    model: str
    endpoint: str | None
    variable: str | None


# First match wins.
KNOWN = (
    Vendor("Anthropic", "anthropic", "claude-haiku-4-5", None, "ANTHROPIC_API_KEY"),
    Vendor("OpenAI", "openai", "gpt-4o-mini", None, "OPENAI_API_KEY"),
    Vendor("Gemini", "gemini", "gemini-2.5-flash", None, "GEMINI_API_KEY"),
    Vendor("OpenRouter", "openrouter", "openai/gpt-4o-mini", None, "OPENROUTER_API_KEY"),
)


def chosen(environment: Mapping[str, str] = os.environ) -> Vendor | None:
    """Return the vendor to ask, or None for the scripted server.

    PAI_DEMO_ENDPOINT names an OpenAI-compatible server, PAI_DEMO_KEY holds its key if it wants
    one; PAI_DEMO_MODEL overrides the model everywhere.
    """
    model = environment.get("PAI_DEMO_MODEL")
    endpoint = environment.get("PAI_DEMO_ENDPOINT")
    if endpoint:
        return Vendor(endpoint, "openai", model or "", endpoint, "PAI_DEMO_KEY")
    for vendor in KNOWN:
        if vendor.variable and environment.get(vendor.variable):
            return vendor._replace(model=model) if model else vendor
    return None


def first_model(endpoint: str, key: str) -> str:
    """Return the first model that an OpenAI-compatible server lists. Raises DemoError."""
    try:
        headers = {"authorization": f"Bearer {key}"}
        answer = httpx.get(f"{endpoint.rstrip('/')}/models", headers=headers, timeout=10)
        return str(answer.raise_for_status().json()["data"][0]["id"])
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        raise DemoError(f"{endpoint}/models: {error!r}; name one with PAI_DEMO_MODEL") from error
