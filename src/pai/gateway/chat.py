"""Chat completions: read the request, choose the models to try, and try them in order."""

from pai.budget.estimate import LearnedRatio
from pai.dialect.openai import BadRequestError, Refused, read_request
from pai.gateway.desk import Desk
from pai.gateway.job import Job
from pai.gateway.refusal import Failure
from pai.gateway.routes import AgentRoutes, Route
from pai.wire.client import ClientPool
from pai.wire.exchange import Exchange
from pai.wire.message import Headers, PayloadTooLarge, first

MOST_BODY_BYTES = 32 * 1024 * 1024


class Chat:
    """Serves chat completions.

    learn: whether input is estimated by a learned ratio where the safe bound does not fit.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ratios: dict[tuple[str, str], LearnedRatio] = {}
        self.learn = True

    async def serve(
        self, exchange: Exchange, agent: AgentRoutes, pool: ClientPool, own: Headers
    ) -> Failure | None:
        """Answer one request; a Failure is still to be told. own: headers of every answer.

        Raises ClientGone.
        """
        if first(exchange.head.headers, b"content-encoding") not in (None, b"identity"):
            return Failure(Refused.ENCODED_BODY, "send the body without content-encoding")
        try:
            request = read_request(await exchange.read_body(MOST_BODY_BYTES))
        except PayloadTooLarge:
            return Failure(Refused.TOO_LARGE, f"the body is larger than {MOST_BODY_BYTES} bytes")
        except BadRequestError as error:
            return Failure(Refused.BAD_BODY, error.message, error.param)
        chain = agent.chain(request.model)
        if not chain:
            return _unknown_model(agent, request.model)
        failure: Failure | None = None
        for route in chain:
            ratio = self._ratio(route)
            ask = route.ask(request, ratio, learn=self.learn)
            job = Job(self._desk, pool, exchange, agent, route, request, ratio, own)
            failure = await job.run(ask)
            if failure is None or not failure.next_route:
                break
        return failure

    def _ratio(self, route: Route) -> LearnedRatio:
        key = (route.binding.id, route.binding.model)
        found = self._ratios.get(key)
        if found is None:
            found = self._ratios[key] = LearnedRatio()
        return found


def _unknown_model(agent: AgentRoutes, model: str | None) -> Failure:
    names = ", ".join(agent.names) or "none"
    asked = "a model" if model is None else repr(model[:100])
    message = f"this agent may not use {asked}; its models: {names}"
    return Failure(Refused.UNKNOWN_MODEL, message, "model")
