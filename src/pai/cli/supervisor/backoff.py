"""How long to wait before a child is started again. Pure."""

from dataclasses import dataclass

FIRST_SECONDS = 0.2
MOST_SECONDS = 30.0
STABLE_SECONDS = 30.0


@dataclass(frozen=True)
class Backoff:
    """Exponential, 0.2 s to 30 s; a child that ran for a while starts from the beginning."""

    failures: int = 0

    def after(self, ran_seconds: float) -> "Backoff":
        """Return the state after a run that ended when `ran_seconds` had passed."""
        return Backoff(1 if ran_seconds >= STABLE_SECONDS else self.failures + 1)

    @property
    def delay_seconds(self) -> float:
        """Seconds to wait before the next start."""
        doublings = min(max(self.failures - 1, 0), 16)  # beyond that the power only overflows
        return min(MOST_SECONDS, FIRST_SECONDS * float(2**doublings))
