"""Fit a request into the tokens that are there, by lowering its output cap where it must be."""

from typing import Final

from pai.budget.value import Value

USEFUL_OUTPUT: Final = 256  # an answer cut shorter than this helps nobody, unless it was asked for
_ROOMY_OUTPUT: Final = 1_024


class Fit(Value):
    """Tokens to reserve for input, and the cap for each of the answers. tokens: in all."""

    __slots__ = ("answers", "cap", "input", "tokens")

    def __init__(self, input: int, cap: int, answers: int) -> None:  # noqa: A002
        self.input: Final = input
        self.cap: Final = cap
        self.answers: Final = answers
        self.tokens: Final = input + cap * answers

    def parts(self) -> tuple[object, ...]:
        """See `Value`."""
        return (self.input, self.cap, self.answers)


class Ask(Value):
    """What one request may cost.

    inputs: bounds of its input, the safest first. cap: output cap of one answer. answers: how many
    (`n`). capped: the client set the cap itself.
    """

    __slots__ = ("answers", "cap", "capped", "inputs")

    def __init__(self, inputs: tuple[int, ...], cap: int, answers: int, capped: bool) -> None:
        self.inputs: Final = inputs
        self.cap: Final = cap
        self.answers: Final = answers
        self.capped: Final = capped

    def parts(self) -> tuple[object, ...]:
        """See `Value`."""
        return (self.inputs, self.cap, self.answers, self.capped)

    def bounded_by(self, inputs: tuple[int, ...]) -> "Ask":
        """Return the same with other bounds of its input."""
        return Ask(inputs, self.cap, self.answers, self.capped)

    def capped_at(self, cap: int) -> "Ask":
        """Return the same with another output cap."""
        return Ask(self.inputs, cap, self.answers, self.capped)

    @property
    def full(self) -> Fit:
        """The safest input bound with the whole cap."""
        return Fit(self.inputs[0], self.cap, self.answers)

    @property
    def safe(self) -> "Ask":
        """The same by the safest input bound alone."""
        return self.bounded_by(self.inputs[:1])

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
