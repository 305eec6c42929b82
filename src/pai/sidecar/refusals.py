"""What the agent is told when it is refused: rule, host, method, and how to ask for access."""

import msgspec

from pai.providers.request import Answer

JSON = (b"content-type", b"application/json")


def refusal(
    code: str, message: str, *, host: str = "", method: str = "", rule: str = "", hint: str = ""
) -> Answer:
    """Return a 403 of our own, in JSON, for what no provider's error shape applies to."""
    error = {
        "code": code,
        "message": message,
        "host": host,
        "method": method,
        "rule": rule,
        "hint": hint,
    }
    return Answer(403, [JSON], msgspec.json.encode({"error": error}))


def ask_for_host(host: str) -> str:
    """Say how an operator opens a host for this agent."""
    name = host or "HOST"
    return (
        f"ask the operator for a Provider with host {name} in spec.providers, "
        f"or for egress.allow: [{{host: {name}}}]"
    )


def failure(status: int, code: str, message: str) -> Answer:
    """Return an error of ours that is no refusal: the upstream is out of reach, or too late."""
    return Answer(
        status, [JSON], msgspec.json.encode({"error": {"code": code, "message": message}})
    )


# "access denied" (49), fatal: OpenSSL, Go and browsers show it by name
TLS_ACCESS_DENIED = b"\x15\x03\x03\x00\x02\x02\x31"


def as_http(answer: Answer) -> bytes:
    """Return an answer as a whole HTTP/1.1 response after which the connection closes."""
    fields = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    return b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\n" + lines + b"\r\n" + answer.body
