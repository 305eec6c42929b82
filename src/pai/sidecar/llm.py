"""An agent's LLM request as the gateway gets it: own credentials out, gateway token in. Pure."""

from pai.providers.http_token import without_parameters
from pai.providers.request import Headers

_STRIPPED = frozenset(
    (
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"cookie",
        b"host",
    )
)
_OPENROUTER_PREFIX = b"/api/v1/"


def gateway_target(path: bytes, query: bytes) -> bytes:
    """Return path and query as the gateway serves them: no key, one path for one operation."""
    if path.startswith(_OPENROUTER_PREFIX):
        path = path[len(b"/api") :]
    query = without_parameters(query, {"key"})
    return path + b"?" + query if query else path


def gateway_headers(headers: Headers, token: str) -> Headers:
    """Return the headers that go to the gateway."""
    kept = [(name, value) for name, value in headers if name not in _STRIPPED]
    kept.append((b"authorization", b"Bearer " + token.encode()))
    return kept
