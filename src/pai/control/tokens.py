"""Bearer tokens of the public API: only hashes are kept."""

import hashlib
import hmac
import secrets
from datetime import datetime
from pathlib import Path

from pai.store.instance_key import write_private
from pai.store.protocol import Store

PREFIX = "pai_tok_"
_FIRST = "first"


class Tokens:
    """Says whether a bearer token is one of ours.

    digest_file: hash of the token of the user who ran `pai up`, made anew by the supervisor.
    """

    def __init__(self, store: Store, digest_file: Path) -> None:
        self._store = store
        self._digest_file = digest_file
        self._hashes: tuple[bytes, ...] = ()

    async def load(self) -> None:
        """Read the hashes from the store."""
        self._hashes = tuple(v.encode() for v in (await self._store.token_hashes()).values())

    async def create_first(self, file: Path, now: datetime) -> None:
        """Make the first token of a new instance and leave it in `file`, mode 0600.

        Nothing happens when a token exists or the supervisor has brought one.
        """
        if self._hashes or self._digest_file.exists():
            return
        token = new_token()
        write_private(file, token.encode())
        await self._store.add_token(_FIRST, digest(token), now)
        await self.load()

    def accepts(self, token: str) -> bool:
        """Compare in constant time with every known hash."""
        offered = digest(token).encode()
        matches = [hmac.compare_digest(offered, known) for known in self._known()]
        return any(matches) and token.startswith(PREFIX)

    def _known(self) -> tuple[bytes, ...]:
        try:
            brought = self._digest_file.read_bytes().strip()
        except FileNotFoundError:
            return self._hashes
        return (*self._hashes, brought)


def new_token() -> str:
    """Return a new random token."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return the hash by which a token is known."""
    return hashlib.sha256(token.encode()).hexdigest()
