"""Response bodies on their way to the agent: decoded where they were compressed, then searched.

Services are asked not to compress; one that does so nevertheless is decoded here if it is gzip or
deflate, and refused otherwise: what can't be read can't be searched for the credential.
"""

import zlib

from pai.providers.redact import Redactor

_WINDOW = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_PIECE_BYTES = 256 * 1024
_EXPANSION_BYTES = 8 * 1024 * 1024  # out of one read: an honest body of 64 KiB stays far below


class ContentError(Exception):
    """A compressed body that can't be decoded. The connection to the agent is cut."""


class RedactTap:
    """Takes the credential out of a body."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor.fresh()

    def feed(self, chunk: bytes) -> bytes:
        """Return what may be sent on."""
        return self._redactor.feed(chunk)

    def finish(self) -> bytes:
        """Return the end of the body."""
        return self._redactor.finish()


class DecodeTap:
    """Decompresses, then takes the credential out. What one read can grow to is bounded."""

    def __init__(self, redactor: Redactor, coding: bytes) -> None:
        self._redactor = redactor.fresh()
        self._window = _WINDOW[coding]
        self._zlib = zlib.decompressobj(self._window)
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what may be sent on, decoded.

        Raises ContentError when it is broken or grows beyond reason.
        """
        out: list[bytes] = []
        self._begun = self._begun or bool(chunk)
        try:
            while chunk:
                if self._zlib.eof:  # gzip may have several members
                    self._zlib = zlib.decompressobj(self._window)
                out.append(self._redactor.feed(self._zlib.decompress(chunk, _PIECE_BYTES)))
                chunk = self._zlib.unconsumed_tail or self._zlib.unused_data
                if len(out) * _PIECE_BYTES > _EXPANSION_BYTES:
                    raise ContentError("the service's compressed answer grows beyond reason")
        except zlib.error:
            raise ContentError("the service's compressed answer is broken") from None
        return b"".join(out)

    def finish(self) -> bytes:
        """Return the end of the body.

        Raises ContentError when it was cut short.
        """
        rest = self._redactor.feed(self._zlib.flush())
        if self._begun and not self._zlib.eof:
            raise ContentError("the service's compressed answer is cut short")
        return rest + self._redactor.finish()


def readable(coding: bytes) -> bool:
    """Say whether a content-encoding can be searched."""
    return coding in (b"", b"identity") or coding in _WINDOW


def tap_for(redactor: Redactor, coding: bytes) -> RedactTap | DecodeTap:
    """Return the tap for a body of a content-encoding that is `readable`."""
    return DecodeTap(redactor, coding) if coding in _WINDOW else RedactTap(redactor)
