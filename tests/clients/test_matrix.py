"""Real SDKs, unchanged, with every vendor. The vendors are fakes that check what they are sent."""

import json
from typing import Any

import pytest
from tests.clients.conftest import MODELS, Results
from tests.e2e.gateway_stage import TOKEN

pytestmark = pytest.mark.timeout(900)  # the first one waits for all programs

RESULTS = "Results: Paris:sunny and Oslo:sunny"
PERSON = {"name": "word", "age": 7}
IMAGE = "I see image/png of 70 bytes You said: look"
VECTORS = [[3.0, 0.0, 0.0], [2.0, 0.0, 0.0]]
CALLS = [["get_weather", {"city": "Paris"}], ["get_weather", {"city": "Oslo"}]]
NAMES = ["get_weather", "get_weather"]
COUNTED = "1 2 3 4 5"
SAID = "You said: hello there"
LACKS = "a vendor that has no such thing"

_CHAT: dict[str, Any] = {
    "plain": [SAID, "stop", [4, 4]],
    "stream": [COUNTED, "stop", [4, 5], True],
    "stream_without_usage": [False, True],
    "tools": ["tool_calls", NAMES, RESULTS],
    "tools_streamed": ["tool_calls", CALLS],
    "structured": PERSON,
    "image": IMAGE,
    "stop": ["1 2 3", "stop"],
    "length": ["1 2 3", "length"],
    "completion": ["You said: hello", "stop"],
    "embeddings": VECTORS,
    "fails": ["BadRequestError", 400],
    "breaks": ["You", "APIError"],
    "spent": ["RateLimitError", "insufficient_quota"],
    "unknown": ["NotFoundError", "model_not_found"],
}
_MESSAGES: dict[str, Any] = {
    "plain": [SAID, "end_turn", [4, 4]],
    "stream": [COUNTED, "end_turn", 5, True],
    "tools": ["tool_use", NAMES, RESULTS],
    "tools_streamed": ["tool_use", CALLS],
    "thinking_tools": [["tool_use", "tool_use"], RESULTS],
    "tool_runner": RESULTS,
    "structured": PERSON,
    "image": IMAGE,
    "length": ["1 2 3", "max_tokens"],
    "fails": ["BadRequestError", 400],
    "breaks": ["You", "APIStatusError"],
    "spent": ["RateLimitError", 429],
    "unknown": ["NotFoundError", 404],
}
_CONTENT: dict[str, Any] = {
    "plain": [SAID, "STOP", [4, 4]],
    "stream": [COUNTED, "STOP", 5, True],
    "tools": [NAMES, RESULTS],
    "tools_streamed": CALLS,
    "automatic": RESULTS,
    "structured": PERSON,
    "image": IMAGE,
    "stop": ["1 2 3", "STOP"],
    "length": ["1 2 3", "MAX_TOKENS"],
    "embeddings": VECTORS,
    "fails": ["ClientError", 400],
    "breaks": ["You", "ServerError"],
    "spent": ["ClientError", 429, "RESOURCE_EXHAUSTED"],
    "unknown": ["ClientError", 404],
}
_RESPONSES: dict[str, Any] = {
    "plain": [SAID, "completed", [4, 4]],
    "stream": [COUNTED, "completed", 5, True],
    "tools": [NAMES, RESULTS],
    "tools_streamed": [CALLS, RESULTS],
    "structured": PERSON,
    "image": IMAGE,
    "length": ["1 2 3", "incomplete", "max_output_tokens"],
    "agents_responses": RESULTS,
    "agents_chat": RESULTS,
    "fails": ["BadRequestError", 400],
    "spent": ["RateLimitError", "insufficient_quota"],
}
_NODE: dict[str, dict[str, Any]] = {
    "openai_node": {
        "plain": [SAID, "stop", 4],
        "stream": COUNTED,
        "tools": RESULTS,
        "run_tools": RESULTS,
        "structured": PERSON,
        "responses": [COUNTED, "completed"],
        "embeddings": VECTORS,
        "fails": ["BadRequestError", 400],
        "spent": ["RateLimitError", "insufficient_quota"],
    },
    "anthropic_node": {
        "plain": [SAID, "end_turn", 4],
        "stream": [COUNTED, "end_turn", 5],
        "tools": RESULTS,
        "fails": ["BadRequestError", 400],
        "spent": ["RateLimitError", 429],
    },
    "gemini_node": {
        "plain": [SAID, "STOP"],
        "stream": COUNTED,
        "tools": RESULTS,
        "structured": PERSON,
        "embeddings": VECTORS,
        "fails": ["ApiError", 400],
        "spent": ["ApiError", 429],
    },
}
_LANGCHAIN = {
    f"{dialect}_{how}": RESULTS
    for dialect in ("openai", "anthropic", "gemini")
    for how in ("whole", "streamed")
}
EXPECTED: dict[str, dict[str, Any]] = {
    "openai_chat": _CHAT,
    "anthropic_messages": _MESSAGES,
    "gemini_content": _CONTENT,
    "openai_responses": _RESPONSES,
    "langchain_chat": _LANGCHAIN,
    **_NODE,
}
# What a vendor's fake says otherwise, and why.
OTHERWISE: dict[tuple[str, str, str], Any] = {
    ("openai_chat", "embeddings", "anthropic"): LACKS,
    ("gemini_content", "embeddings", "anthropic"): LACKS,
    ("openai_node", "embeddings", "anthropic"): LACKS,
    ("gemini_node", "embeddings", "anthropic"): LACKS,
    ("gemini_content", "stop", "reasoner"): LACKS,  # OpenAI's reasoning models take none
}
CASES = [
    (program, task, model)
    for program, tasks in EXPECTED.items()
    for task in tasks
    for model in MODELS
]


def _plain(value: Any) -> Any:
    """Return a result with JSON text in it read: vendors space it differently."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value


@pytest.mark.parametrize(("program", "task", "model"), CASES)
def test_every_client_works_with_every_vendor(
    program: str, task: str, model: str, everything: tuple[Results, Any, str]
) -> None:
    found = everything[0][program][model][task]
    expected = OTHERWISE.get((program, task, model), EXPECTED[program][task])
    if expected == LACKS:
        assert "has nothing like" in found["failed"] or "has no stop" in found["failed"]
        return
    assert _plain(found) == expected


@pytest.mark.parametrize("model", MODELS)
def test_advice_that_a_vendor_has_no_place_for_is_named(
    model: str, everything: tuple[Results, Any, str]
) -> None:
    results = everything[0]
    text, dropped = results["openai_chat"][model]["advice"]
    assert text == "You said: hi"
    if model in ("anthropic", "gemini"):
        assert {"metadata", "user", "service_tier", "prompt_cache_key"} <= set(dropped.split(", "))
    else:
        assert dropped == ""


@pytest.mark.parametrize("program", ["anthropic_messages", "openai_responses"])
@pytest.mark.parametrize("model", MODELS)
def test_requests_of_coding_agents_are_answered(
    program: str, model: str, everything: tuple[Results, Any, str]
) -> None:
    text, dropped = everything[0][program][model]["coding_agent"]
    assert text == "You said: hello"
    if program == "anthropic_messages" and model != "anthropic":
        assert {"anthropic-beta", "context_management"} <= set(dropped.split(", "))


@pytest.mark.parametrize("model", MODELS)
def test_stored_state_is_refused_unless_the_vendor_keeps_it(
    model: str, everything: tuple[Results, Any, str]
) -> None:
    found = everything[0]["openai_responses"][model]["stored"]
    assert found == ("answered" if model in ("openai", "reasoner") else ["BadRequestError", 400])


@pytest.mark.parametrize("program", ["openai_chat", "anthropic_messages", "gemini_content"])
@pytest.mark.parametrize("model", MODELS)
def test_models_are_listed_in_the_clients_own_shape(
    program: str, model: str, everything: tuple[Results, Any, str]
) -> None:
    listed, name = everything[0][program][model]["models"]
    assert listed
    assert name.removeprefix("models/") == model


@pytest.mark.parametrize("program", ["anthropic_messages", "gemini_content"])
@pytest.mark.parametrize("model", MODELS)
def test_prompts_are_counted(
    program: str, model: str, everything: tuple[Results, Any, str]
) -> None:
    found = everything[0][program][model]["count"]
    exact = MODELS[model][0] in ("anthropic", "gemini")  # the others have nothing that counts
    assert found == 3 if exact else found >= 3


def test_no_vendor_gets_another_ones_key_or_the_agents_token(
    everything: tuple[Results, Any, str],
) -> None:
    _, seen, logs = everything
    assert len(seen) > 300
    for request in seen:
        text = json.dumps(request)
        others = {vendor for vendor, *_ in MODELS.values()} - {request["vendor"]}
        assert TOKEN not in text
        assert not [each for each in others if f"sk-canary-{each}" in text]
    assert "sk-canary" not in logs
