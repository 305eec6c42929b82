"""How often vendors may be asked to count, whom not to ask, and what came of it.

A count is free, but it is a call that an agent brings about: each has few at once, and a rate.
An endpoint that has nothing that counts is not asked again for a while.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic

from pai.gateway.exposition import Families, Piece, labels, sample
from pai.gateway.gate import Gate
from pai.ir.snapshot import GatewaySnapshot
from pai.wire.bucket import Bucket

AT_ONCE = 2  # of one agent, in each worker
PER_SECOND, BURST = 2.0, 10.0
LACKING_SECONDS = 600.0

COUNTED = "counted"
LIMITED = "limited"  # the agent has had as many as it may have
REFUSED = "refused"  # the request holds what is not counted, or the vendor finds fault with it
LACKING = "lacking"  # the endpoint has nothing that counts
FAILED = "failed"  # no answer in time, or none that says anything
IMPOSSIBLE = "impossible"  # an answer that can't be true
RESULTS = (COUNTED, LIMITED, REFUSED, LACKING, FAILED, IMPOSSIBLE)

_COUNTS = "pai_gateway_counts_total"
FAMILIES: Families = {
    _COUNTS: ("counter", "Requests whose input a vendor was to count, by what came of it"),
}
Place = tuple[str, str]
"""Id of a binding, and its endpoint."""


class Asking:
    """What one agent may have counted."""

    __slots__ = ("bucket", "gate")

    def __init__(self, now: Callable[[], float]) -> None:
        self.gate = Gate(AT_ONCE)
        self.bucket = Bucket(PER_SECOND, BURST, now)


class CountLimits:
    """All limits of one worker. results: how many calls ended how. now: in seconds, only grows."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self.results: Counter[str] = Counter()
        self._now = now
        self._agents: dict[str, Asking] = {}
        self._lacking: dict[Place, float] = {}  # until when

    def of(self, agent: str) -> Asking:
        """Return what an agent may have counted."""
        found = self._agents.get(agent)
        if found is None:
            found = self._agents[agent] = Asking(self._now)
        return found

    def lacks(self, place: Place) -> bool:
        """Say whether an endpoint was found to have nothing that counts."""
        until = self._lacking.get(place)
        return until is not None and self._now() < until

    def note(self, result: str, place: Place) -> None:
        """Take in how a call ended; result: one of `RESULTS`."""
        self.results[result] += 1
        if result == LACKING:
            self._lacking[place] = self._now() + LACKING_SECONDS

    def keep(self, snapshot: GatewaySnapshot) -> None:
        """Forget agents and endpoints that are gone."""
        agents = {agent.id for agent in snapshot.agents}
        places = {(binding.id, binding.endpoint) for binding in snapshot.bindings}
        self._agents = {name: each for name, each in self._agents.items() if name in agents}
        self._lacking = {place: each for place, each in self._lacking.items() if place in places}

    def pieces(self, worker: str) -> Iterator[Piece]:
        """Yield all figures; worker: value of a label."""
        for result, count in sorted(self.results.items()):
            yield sample(_COUNTS, labels(worker=worker, result=result), count)
