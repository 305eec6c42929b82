"""What a call is charged that ended without the vendor's own figures.

Charged is never more than what was reserved. What was seen counts one token a byte of text. What a
vendor produced unseen (hidden reasoning before the first byte, tokens under way when the client
hung up) is bounded by the time it had and a rate that no vendor passes.
"""

from typing import Final, NamedTuple

from pai.budget.fit import Fit
from pai.budget.price import Tokens

UNSEEN_TOKENS_PER_SECOND: Final = 4_000
UNSEEN_TOKENS: Final = 256


class Seen(NamedTuple):
    """What was seen of an answer.

    silent_seconds: from sending to the first byte, plus since the last one.
    """

    text_bytes: int
    silent_seconds: float


def interrupted(reserved: Fit, seen: Seen, known: Tokens | None = None) -> Tokens:
    """Return what to charge when the client hung up or the stream broke.

    known: the vendor's own figures as far as it gave any. Its input is final from the beginning,
    where the request holds nothing that makes it fetch more; its output only ever grows.
    """
    unseen = UNSEEN_TOKENS + int(seen.silent_seconds * UNSEEN_TOKENS_PER_SECOND)
    each = unseen * reserved.answers
    output = min(reserved.cap * reserved.answers, seen.text_bytes + each)
    if known is None:
        return Tokens(reserved.input, output)
    inputs, outputs = known.input or reserved.input, max(known.output, output)
    return Tokens(inputs, outputs, known.cached, known.reasoning, known.written)


def unmetered(reserved: Fit) -> Tokens:
    """Return what to charge for a whole answer whose figures are absent or not to be believed."""
    return Tokens(reserved.input, reserved.cap * reserved.answers)
