"""Has a request answered: reads it, chooses the routes, tries one after the other."""

from typing import Final

from pai.budget.estimate import LearnedRatio
from pai.dialect.refused import BadRequestError, EncodedBodyError, Refused
from pai.dialect.sides import Call
from pai.gateway.asked import Asked
from pai.gateway.desk import Desk
from pai.gateway.job import Job
from pai.gateway.operations import Operation, query_of
from pai.gateway.pools import Pools
from pai.gateway.refusal import Failure, failure_of
from pai.gateway.routes import AgentRoutes, Route
from pai.wire.errors import PayloadTooLarge
from pai.wire.exchange import Exchange
from pai.wire.message import Headers, first

MOST_BODY_BYTES: Final = 32 * 1024 * 1024
_TOO_LARGE: Final = f"the body is larger than {MOST_BODY_BYTES} bytes"


def check_encoding(headers: Headers) -> None:
    """Raise BadRequestError for a body that would have to be decoded first."""
    if first(headers, b"content-encoding") not in (None, b"identity"):
        raise EncodedBodyError("send the body without content-encoding")


class Answers:
    """Serves everything that a model answers.

    learn: whether input is estimated by a learned ratio where the safe bound does not fit.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ratios: dict[tuple[str, str], LearnedRatio] = {}
        self.learn = True

    async def serve(
        self,
        exchange: Exchange,
        operation: Operation,
        agent: AgentRoutes,
        pools: Pools,
        own: Headers,
    ) -> Failure | None:
        """Answer one request; a Failure is still to be told. own: headers of every answer.

        Raises ClientGone.
        """
        head = exchange.head
        try:
            check_encoding(head.headers)
            body = exchange.whole_body(MOST_BODY_BYTES)
            if body is None:
                body = await exchange.read_body(MOST_BODY_BYTES)
            query = query_of(head)
            reading = operation.client.read(Call(body, operation.model, operation.name, query))
        except PayloadTooLarge:
            return Failure(Refused.TOO_LARGE, _TOO_LARGE)
        except BadRequestError as error:
            return failure_of(error)
        chain = agent.chain(reading.model)
        if not chain:
            return unknown_model(agent, reading.model)
        asked = Asked(exchange, agent, operation.client, reading, own)
        failure: Failure | None = None
        for route in chain:
            ratio = self.ratio(route)
            way = route.ways.get(operation.client.name)
            shape = reading.shape if way is None or way.native else asked.translated_shape
            ask = route.ask(reading, shape, ratio, learn=self.learn)
            job = Job(self._desk, pools, asked, route, ratio)
            checked = job.check(way, ask)
            if isinstance(checked, Failure) and way is not None:
                checked = await job.check_counted(way, ask, checked)
            if isinstance(checked, Failure) or way is None:
                failure = checked if isinstance(checked, Failure) else None
            elif gates := job.gates:
                failure = await job.run_within(gates, way, checked)
            else:
                failure = await job.run(way, checked)
            if failure is None or not failure.next_route:
                break
        return failure

    def ratio(self, route: Route) -> LearnedRatio:
        """Return what was learned of a route's model so far."""
        key = (route.binding.id, route.binding.model)
        found = self._ratios.get(key)
        if found is None:
            found = self._ratios[key] = LearnedRatio()
        return found


def unknown_model(agent: AgentRoutes, model: str | None) -> Failure:
    """Return the failure for a model that the agent does not have."""
    names = ", ".join(agent.names) or "none"
    asked = "a model" if model is None else repr(model[:100])
    message = f"this agent may not use {asked}; its models: {names}"
    return Failure(Refused.UNKNOWN_MODEL, message, "model")
