"""Every bound of the kernel, with its default. docs/limits.md says what happens at each.

Times are in seconds and are checked four times a second; sizes are in bytes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Bounds of one listener's connections and requests.

    body_bytes: None = any size; `Exchange.read_body` has its own bound. linger: how long and how
    much of an unread body is thrown away so that the client can read an early answer.
    connections_per_peer: from one address; None = as many as there may be.
    """

    head_bytes: int = 32 * 1024
    head_fields: int = 100
    body_bytes: int | None = None
    connections: int = 4096
    connections_per_peer: int | None = None
    head_seconds: float = 15.0
    body_idle_seconds: float = 60.0
    keep_alive_seconds: float = 75.0
    write_idle_seconds: float = 60.0
    tls_handshake_seconds: float = 10.0
    tunnel_idle_seconds: float = 3600.0
    buffer_bytes: int = 64 * 1024
    drain_body_bytes: int = 64 * 1024
    linger_bytes: int = 8 * 1024 * 1024
    linger_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """Bounds of one pool's connections and responses.

    connect_seconds: name resolution, connect and TLS together. total_seconds: from the request's
    first byte to the response's last; a tunnel has none.
    """

    head_bytes: int = 32 * 1024
    head_fields: int = 100
    connect_seconds: float = 10.0
    first_byte_seconds: float = 300.0
    idle_seconds: float = 120.0
    total_seconds: float = 3600.0
    keep_alive_seconds: float = 30.0
    idle_per_endpoint: int = 64
    idle_connections: int = 512
    connections: int = 4096
    buffer_bytes: int = 64 * 1024
