"""Fit a request into the tokens that are there, by lowering its output cap where it must be."""

from typing import Final, NamedTuple

USEFUL_OUTPUT: Final = 256  # an answer cut shorter than this helps nobody, unless it was asked for
_ROOMY_OUTPUT: Final = 1_024


class Fit(NamedTuple):
    """Tokens to reserve for input, and the cap for each of the answers."""

    input: int
    cap: int
    answers: int

    @property
    def tokens(self) -> int:
        """Tokens to reserve in all."""
        return self.input + self.cap * self.answers


class Ask(NamedTuple):
    """What one request may cost.

    inputs: bounds of its input, the safest first. cap: output cap of one answer. answers: how many
    (`n`). capped: the client set the cap itself.
    """

    inputs: tuple[int, ...]
    cap: int
    answers: int
    capped: bool

    @property
    def full(self) -> Fit:
        """The safest input bound with the whole cap."""
        return Fit(self.inputs[0], self.cap, self.answers)

    @property
    def safe(self) -> "Ask":
        """The same by the safest input bound alone."""
        return self._replace(inputs=self.inputs[:1])

    @property
    def useful(self) -> int:
        """Smallest cap that still gives a useful answer."""
        return min(self.cap, USEFUL_OUTPUT)

    @property
    def patient(self) -> int:
        """Smallest cap taken at once; below it the request rather waits for running ones."""
        return self.cap if self.capped else min(self.cap, _ROOMY_OUTPUT)

    def least(self, floor: int) -> int:
        """Return the fewest tokens this can be served with when the cap is at least `floor`."""
        return self.inputs[-1] + floor * self.answers


def fit(room: int | None, ask: Ask, floor: int) -> Fit | None:
    """Return the best fit into `room` tokens, or None when even `floor` does not fit.

    room None: no limit. The safest input bound that leaves the full cap wins; if none does, the
    lowest bound is taken and the cap lowered.
    """
    for bound in ask.inputs:
        if room is None or bound + ask.cap * ask.answers <= room:
            return Fit(bound, ask.cap, ask.answers)
    bound = ask.inputs[-1]
    cap = min(ask.cap, ((room or 0) - bound) // ask.answers)
    return Fit(bound, cap, ask.answers) if cap >= max(1, floor) else None
