"""Which headers pass, in either direction. What is not known to be harmless stays behind."""

from typing import Final

from pai.providers.redact import Redactor
from pai.wire.message import Headers

# The agent's own credentials, cookies and account headers are not among these.
_PASS_UP: Final = frozenset(
    (b"accept", b"content-type", b"user-agent", b"http-referer", b"x-title", b"idempotency-key")
)
# These speak of the client's own dialect.
_PASS_NATIVE: Final = _PASS_UP | {b"anthropic-version", b"anthropic-beta", b"openai-beta"}
_PASS_UP_PREFIX: Final = b"x-stainless-"
_ADVICE: Final = (b"anthropic-beta", b"openai-beta")
_TRANSLATED: Final[Headers] = [(b"content-type", b"application/json"), (b"accept", b"*/*")]
_KEEP_BACK: Final = frozenset(
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
        b"anthropic-organization-id",
    )
)
_KEEP_BACK_PREFIX: Final = b"x-pai-"


def upstream_headers(headers: Headers, key: Headers, defaults: Headers) -> Headers:
    """Return the headers to send to a vendor whose dialect the client speaks.

    key: the header with the vendor's key. defaults: what the vendor needs, if the client sent none.
    """
    sent = [
        (name, value)
        for name, value in headers
        if name in _PASS_NATIVE or name.startswith(_PASS_UP_PREFIX)
    ]
    sent.append((b"accept-encoding", b"identity"))  # what is compressed can't be metered
    if defaults:
        present = {name for name, _ in sent}
        sent += [each for each in defaults if each[0] not in present]
    return sent + key


def translated_headers(headers: Headers, key: Headers, defaults: Headers) -> Headers:
    """Return the headers to send to a vendor of another dialect; little of the client's is left."""
    sent = [each for each in headers if each[0] in (b"user-agent", b"idempotency-key")]
    return [*sent, *_TRANSLATED, (b"accept-encoding", b"identity"), *defaults, *key]


def advice_left_out(headers: Headers) -> list[str]:
    """Return the names of headers that advise a vendor of the client's own dialect only."""
    return [name.decode() for name, _ in headers if name in _ADVICE]


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
