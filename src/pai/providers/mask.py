"""Mask a credential in a stream whose lengths must stay as they are, such as WebSocket frames.

Pure and streaming, like `redact`, but interactive: a frame may end in a byte that also begins the
credential, and holding it back would stall a conversation. So a few bytes of a beginning may pass
before it is clear what follows; never more than `SEEN_BYTES` of a credential are sent.
"""

import copy
import re

from pai.providers.redact import cycled, forms_of

SEEN_BYTES = 7


class Mask:
    """Overwrites a credential, in any of its spellings, with letters of the dummy."""

    def __init__(self, real: tuple[bytes, ...], dummy: bytes) -> None:
        forms = sorted(forms_of(real, dummy), key=len, reverse=True)
        self._forms = tuple(forms)
        self._dummy = dummy
        self._any = re.compile(b"|".join(map(re.escape, forms))) if forms else None
        self._starts = frozenset(form[0] for form in forms)
        self._longest = len(forms[0]) if forms else 0
        self._known = b""
        self._sent = 0

    def fresh(self) -> "Mask":
        """Return a mask of the same credential for another stream."""
        twin = copy.copy(self)
        twin._known, twin._sent = b"", 0
        return twin

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return what may be sent, in all as long as what came."""
        if self._any is None:
            return chunk
        data = self._known + chunk
        masked = self._masked(data)
        hold = self._held_from(data)
        out = masked[self._sent : hold]
        keep = max(0, hold - SEEN_BYTES)
        self._known, self._sent = data[keep:], hold - keep
        return out

    def finish(self) -> bytes:
        """Return what was held back: the stream has ended, so it is no more than it seems."""
        rest = self._masked(self._known)[self._sent :]
        self._known, self._sent = b"", 0
        return rest

    def _masked(self, data: bytes) -> bytes:
        if self._any is None:
            return data
        return self._any.sub(lambda match: cycled(self._dummy, len(match[0])), data)

    def _held_from(self, data: bytes) -> int:
        """Return where sending stops: at a beginning that is too long to pass unclear."""
        for index in range(max(0, len(data) - self._longest + 1), len(data)):
            if data[index] in self._starts:
                tail = data[index:]
                if any(len(f) > len(tail) > _free(f) and f.startswith(tail) for f in self._forms):
                    return max(index, self._sent)
        return len(data)


def _free(form: bytes) -> int:
    """Return how much of a form may pass: less than half of a short one."""
    return min(SEEN_BYTES, (len(form) - 1) // 2)
