"""What each path does, and what every request has in common: identity, headers, counting."""

from time import monotonic
from typing import Final

from pai.dialect.refused import Refused
from pai.gateway.answers import Answers
from pai.gateway.counters import Counters
from pai.gateway.counting import Counting
from pai.gateway.desk import Desk
from pai.gateway.figures import PATH as FIGURES_PATH
from pai.gateway.figures import Figures
from pai.gateway.models import list_models
from pai.gateway.names import Names
from pai.gateway.operations import SERVED, Kind, Operation, method_fault, operation_of
from pai.gateway.pools import Pools
from pai.gateway.refusal import Failure, refuse
from pai.gateway.routes import AgentRoutes, RouteTable
from pai.ir.snapshot import GatewaySnapshot
from pai.wire.dns.over_gateway import PATH as NAMES_PATH
from pai.wire.errors import ClientGone
from pai.wire.exchange import Exchange
from pai.wire.message import Headers, first

_STORED: Final = (
    "nothing is stored here: answers of earlier requests can't be named;"
    " send the whole input, with store: false"
)
_PRIVATE: Final = frozenset((b"127.0.0.1", b"::1"))


class Service:
    """One worker's request handler. figures: answered at `/metrics`, on loopback only."""

    def __init__(self, desk: Desk, worker: str, figures: Figures) -> None:
        self.desk = desk
        self.counters = Counters()
        self._name = worker.encode()
        self._figures = figures
        self._answers = Answers(desk)
        self._counting = Counting(self._answers)
        self._names = Names()
        self._table: RouteTable | None = None
        self._pools: Pools | None = None
        self._running: dict[str, set[Exchange]] = {}  # by agent
        self._last_id = 0

    def apply(self, snapshot: GatewaySnapshot) -> None:
        """Work by a new snapshot from now on; running requests end by the old one."""
        before = self._table
        table = RouteTable(snapshot, before)
        if self._pools is None or self._pools.network != snapshot.network:
            self._pools = Pools(snapshot.network)  # idle connections of the old close by themselves
        self._table = table
        self._names.apply(snapshot)
        self.desk.wait_seconds = snapshot.wait_for_budget_seconds
        self._answers.learn = snapshot.uncounted_input == "learn"
        if before is not None:
            old = before.limits
            self.desk.press(
                [each for each, limit in table.limits.items() if old.get(each) != limit]
            )
            self._cut_off(table)

    def _cut_off(self, table: RouteTable) -> None:
        """End what runs for agents that are gone."""
        present = {agent.id for agent in table.agents.values()}
        for identity in self._running.keys() - present:
            for exchange in tuple(self._running.pop(identity)):
                exchange.cut()

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        started, head = monotonic(), exchange.head
        counters = self.counters
        counters.active += 1
        self._last_id += 1
        own: Headers = [(b"x-pai-request-id", b"%b-%d" % (self._name, self._last_id))]
        authorization = first(head.headers, b"authorization")
        try:
            operation = operation_of(head)
            table, pools = self._table, self._pools
            failure: Failure | None = None
            if head.path == FIGURES_PATH and self._may_read_figures(exchange, authorization):
                await self._figures.answer(exchange)
            elif table is None or pools is None:
                message = "the gateway has not heard from control yet"
                failure = Failure(Refused.NOT_READY, message, None, 1)
            elif (agent := table.agent(authorization)) is None:
                failure = Failure(Refused.BAD_TOKEN, "the token is not that of an agent")
            elif operation.kind is Kind.ANSWER and head.method == b"POST":
                running = self._running.get(agent.id) or self._running.setdefault(agent.id, set())
                running.add(exchange)
                try:
                    failure = await self._answers.serve(exchange, operation, agent, pools, own)
                finally:
                    running.discard(exchange)
            else:
                failure = await self._serve(exchange, operation, agent, pools, own)
            status = 200 if failure is None else refuse(exchange, operation.client, failure, own)
            counters.answered(status)
        except ClientGone:
            counters.client_gone += 1
        finally:
            counters.active -= 1
            counters.seconds += monotonic() - started

    async def _serve(
        self,
        exchange: Exchange,
        operation: Operation,
        agent: AgentRoutes,
        pools: Pools,
        own: Headers,
    ) -> Failure | None:
        kind = operation.kind
        if kind is Kind.UNKNOWN:
            if exchange.head.path == NAMES_PATH:
                return await self._names.serve(exchange, agent.id, own)
            return Failure(Refused.UNKNOWN_PATH, f"there is nothing at this path; {SERVED}")
        if kind is Kind.STORED:
            return Failure(Refused.UNSUPPORTED, _STORED)
        fault = method_fault(exchange.head, operation)
        if fault is not None:
            return fault
        if kind is Kind.MODELS or kind is Kind.MODEL:
            return list_models(exchange, operation, agent, own)
        return await self._counting.serve(exchange, operation, agent, pools, own)

    def _may_read_figures(self, exchange: Exchange, authorization: bytes | None) -> bool:
        return exchange.local[0].encode() in _PRIVATE and self._figures.admits(authorization)
