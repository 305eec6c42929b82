"""Variables that Pai sets in every agent for convenience, and what stops working without them."""

from collections.abc import Iterable

from pai.ir.provider import Provider

_BASE_URL = "SDKs that read it no longer call the platform's models by themselves"
_KEY = "SDKs that read it send this value in place of the agent's dummy key"
_CA = "programs that read it may refuse the certificates of intercepted hosts"

# The renderer sets them; a test keeps both lists equal.
INJECTED: dict[str, str] = {
    "OPENAI_BASE_URL": _BASE_URL,
    "ANTHROPIC_BASE_URL": _BASE_URL,
    "GOOGLE_GEMINI_BASE_URL": _BASE_URL,
    "OPENROUTER_BASE_URL": _BASE_URL,
    "OPENAI_API_KEY": _KEY,
    "ANTHROPIC_API_KEY": _KEY,
    "GEMINI_API_KEY": _KEY,
    "GOOGLE_API_KEY": _KEY,
    "OPENROUTER_API_KEY": _KEY,
    "NODE_EXTRA_CA_CERTS": _CA,
    "SSL_CERT_FILE": _CA,
    "REQUESTS_CA_BUNDLE": _CA,
    "CURL_CA_BUNDLE": _CA,
    "GIT_SSL_CAINFO": _CA,
    "AWS_CA_BUNDLE": _CA,
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": _CA,
    "CARGO_HTTP_CAINFO": _CA,
    "DENO_CERT": _CA,
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": _CA,
    "NIX_SSL_CERT_FILE": _CA,
    "PIP_CERT": _CA,
}


def override_warnings(names: Iterable[str], providers: Iterable[Provider]) -> list[str]:
    """Return a warning for each variable of the agent that hides one of Pai's. Shape: sorted."""
    known = dict(INJECTED)
    for provider in providers:
        if provider.env_var is not None:
            known[provider.env_var] = (
                f"clients of provider {provider.name!r} send this value in place of the dummy"
            )
    return [
        f"env {name}: hides the platform's value: {known[name]}"
        for name in sorted(names)
        if name in known
    ]
