"""Where a request goes."""

from functools import lru_cache
from typing import Literal, NamedTuple

Scheme = Literal["http", "https", "unix"]


class Endpoint(NamedTuple):
    """One upstream, and the key of its connection pool.

    host: a name or an address; the path of the socket for scheme `unix`. partition: digest of the
    credential that requests carry; connections are never shared between partitions.
    """

    scheme: Scheme
    host: str
    port: int = 0
    partition: str = ""

    @property
    def authority(self) -> bytes:
        """Return the value of the Host field: without the scheme's own port."""
        return _authority(self.scheme, self.host, self.port)


@lru_cache(maxsize=1024)
def _authority(scheme: Scheme, host: str, port: int) -> bytes:
    if scheme == "unix":
        return b"localhost"
    name = f"[{host}]" if ":" in host else host
    default = 443 if scheme == "https" else 80
    return (name if port == default else f"{name}:{port}").encode("ascii")
