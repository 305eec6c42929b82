"""One request as it was asked: what every attempt starts from, and none changes."""

from typing import TYPE_CHECKING, NamedTuple

from pai.budget.estimate import InputShape
from pai.dialect.conversation import Conversation, Texts
from pai.dialect.responses import ResponsesReading
from pai.dialect.sides import ClientSide, Reading
from pai.wire.exchange import Exchange
from pai.wire.message import Headers

if TYPE_CHECKING:
    from pai.gateway.routes import AgentRoutes


class Counted(NamedTuple):
    """What came of having a vendor count a request.

    binding: id of the one that was asked. result: one of `count_limits.RESULTS`. tokens: the
    vendor's figure; None = there is none. bound: input tokens to reserve for it.
    """

    binding: str
    result: str
    tokens: int | None = None
    bound: int = 0


class Asked:
    """A request with its agent. own: headers of every answer to it.

    counted: set once a vendor was asked to count it.
    """

    __slots__ = ("_meaning", "agent", "client", "counted", "exchange", "own", "reading")

    def __init__(
        self,
        exchange: Exchange,
        agent: "AgentRoutes",
        client: ClientSide,
        reading: Reading,
        own: Headers,
    ) -> None:
        self.exchange, self.agent, self.client = exchange, agent, client
        self.reading, self.own = reading, own
        self._meaning: Conversation | Texts | None = None
        self.counted: Counted | None = None

    @property
    def translated_shape(self) -> InputShape:
        """What of it costs input tokens where another dialect leaves out what it only advises."""
        reading = self.reading
        return reading.translated_shape if isinstance(reading, ResponsesReading) else reading.shape

    @property
    def meaning(self) -> Conversation | Texts:
        """What it means in any dialect; read once. Raises BadRequestError."""
        if self._meaning is None:
            self._meaning = self.reading.meaning()
        return self._meaning
