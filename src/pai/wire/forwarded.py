"""What a door of ours tells the agent's side about a client, in place of the client's claims."""

from pai.wire.message import Headers, RequestHead

# What a client says about itself and the way it came is ours to say.
_OURS = frozenset(
    (
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
    )
)
UNSENT = b"x-pai-unsent"
"""A sidecar's word, proved by the edge's token, that the agent got nothing of a request."""


def vouched(head: RequestHead, client: str, proto: bytes) -> Headers:
    """Return a request's fields without claims, and with what we vouch for. Pure.

    client: its true address; empty when unknown.
    """
    host = next(value for name, value in head.headers if name == b"host")
    return [
        *(p for p in head.headers if p[0] not in _OURS and not p[0].startswith(b"x-pai-")),
        (b"x-forwarded-for", client.encode("ascii")),
        (b"x-forwarded-proto", proto),
        (b"x-forwarded-host", host),
    ]
