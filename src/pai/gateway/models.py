"""Lists an agent's models in the client's dialect."""

from collections.abc import Callable, Iterable, Mapping

from pai.dialect import anthropic, gemini, openai
from pai.dialect.refused import Refused
from pai.gateway.answers import unknown_model
from pai.gateway.operations import Kind, Operation
from pai.gateway.refusal import JSON, Failure
from pai.gateway.routes import AgentRoutes
from pai.wire.exchange import Exchange
from pai.wire.message import Headers

_List = Callable[[Iterable[tuple[str, str]]], bytes]
_One = Callable[[str, str], bytes]
_SHAPES: Mapping[str, tuple[_List, _One]] = {
    openai.CHAT_CLIENT.name: (openai.models_body, openai.model_body),
    anthropic.MESSAGES_CLIENT.name: (anthropic.models_body, anthropic.model_body),
    gemini.GENERATE_CLIENT.name: (gemini.models_body, gemini.model_body),
}


def list_models(
    exchange: Exchange, operation: Operation, agent: AgentRoutes, own: Headers
) -> Failure | None:
    """Answer with all models, or with the one that the path names."""
    whole, one = _SHAPES[operation.client.name]
    if operation.kind is Kind.MODELS:
        owners = [(route.name, route.binding.provider) for route in agent.routes]
        exchange.answer(200, [JSON, *own], whole(owners))
        return None
    chain = agent.chain(operation.model)
    if not chain or operation.model is None:
        missing = unknown_model(agent, operation.model)
        return Failure(Refused.UNKNOWN_MODEL, missing.message, "model")
    exchange.answer(200, [JSON, *own], one(operation.model, chain[0].binding.provider))
    return None
