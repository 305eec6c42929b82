"""Where a request goes."""

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
        if self.scheme == "unix":
            return b"localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return (host if self.port == default else f"{host}:{self.port}").encode("ascii")
