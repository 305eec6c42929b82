"""Which headers pass, in either direction. What is not known to be harmless stays behind."""

from pai.providers.redact import Redactor
from pai.wire.message import Headers

# The agent's own credentials, cookies and account headers are not among these.
_PASS_UP = frozenset(
    (b"accept", b"content-type", b"user-agent", b"http-referer", b"x-title", b"idempotency-key")
)
_PASS_UP_PREFIX = b"x-stainless-"
_KEEP_BACK = frozenset(
    (
        b"set-cookie",
        b"set-cookie2",
        b"alt-svc",
        b"strict-transport-security",
        b"openai-organization",
        b"openai-project",
        b"access-control-allow-origin",
        b"content-encoding",
        b"x-should-retry",
    )
)
_KEEP_BACK_PREFIX = b"x-pai-"


def upstream_headers(headers: Headers, authorization: bytes | None) -> Headers:
    """Return the headers to send to the vendor, with its key."""
    sent = [
        (name, value)
        for name, value in headers
        if name in _PASS_UP or name.startswith(_PASS_UP_PREFIX)
    ]
    sent.append((b"accept-encoding", b"identity"))  # what is compressed can't be metered
    if authorization is not None:
        sent.append((b"authorization", authorization))
    return sent


def client_headers(headers: Headers, redactor: Redactor | None, own: Headers) -> Headers:
    """Return the headers to send to the agent: the vendor's without its key, and our own."""
    passed = [
        (name, value)
        for name, value in headers
        if name not in _KEEP_BACK and name[:6] != _KEEP_BACK_PREFIX
    ]
    if redactor is not None:
        passed = redactor.headers(passed)
    return passed + own
