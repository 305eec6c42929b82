"""The `openai` SDK: responses, and the `openai-agents` loop on both of its models."""

import json
import sys
from typing import Any

import openai
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.model_settings import ModelSettings
from tests.clients.programs.tasks import CITY, PIXEL, SCHEMA, WEATHER, run, weather

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0)
TOOLS: Any = [
    {
        "type": "function",
        "name": "get_weather",
        "description": "Weather",
        "parameters": CITY,
        "strict": True,
    }
]
KEPT: Any = {"store": False, "include": ["reasoning.encrypted_content"]}


def usage(answer: Any) -> list[int]:
    return [answer.usage.input_tokens, answer.usage.output_tokens]


def plain(model: str) -> Any:
    answer = client.responses.create(
        model=model, instructions="Be brief.", input="hello there", max_output_tokens=50, **KEPT
    )
    return [answer.output_text, answer.status, usage(answer)]


def stream(model: str) -> Any:
    deltas = 0
    with client.responses.stream(model=model, input="count 5", **KEPT) as events:
        for event in events:
            deltas += event.type == "response.output_text.delta"
        answer = events.get_final_response()
    return [answer.output_text, answer.status, usage(answer)[1], deltas > 3]


def _loop(model: str, first: Any) -> Any:
    items: Any = [{"role": "user", "content": WEATHER}]
    for item in first.output:
        items.append(item.model_dump(exclude_none=True, exclude={"parsed_arguments"}))
    for item in first.output:
        if item.type == "function_call":
            text = weather(json.loads(item.arguments)["city"])
            items.append({"type": "function_call_output", "call_id": item.call_id, "output": text})
    return client.responses.create(
        model=model, input=items, tools=TOOLS, reasoning={"effort": "low"}, **KEPT
    )


def tools(model: str) -> Any:
    first = client.responses.create(
        model=model, input=WEATHER, tools=TOOLS, reasoning={"effort": "low"}, **KEPT
    )
    names = [item.name for item in first.output if item.type == "function_call"]
    return [names, _loop(model, first).output_text]


def tools_streamed(model: str) -> Any:
    with client.responses.stream(
        model=model, input=WEATHER, tools=TOOLS, reasoning={"effort": "low"}, **KEPT
    ) as events:
        for _ in events:
            pass
        first = events.get_final_response()
    calls = [[i.name, i.arguments] for i in first.output if i.type == "function_call"]
    return [calls, _loop(model, first).output_text]


def structured(model: str) -> Any:
    shape: Any = {"type": "json_schema", "name": "person", "schema": SCHEMA, "strict": True}
    answer = client.responses.create(model=model, input="who ?", text={"format": shape}, **KEPT)
    return json.loads(answer.output_text)


def image(model: str) -> Any:
    content: Any = [
        {"type": "input_text", "text": "look"},
        {
            "type": "input_image",
            "image_url": f"data:image/png;base64,{PIXEL}",
            "detail": "auto",
        },
    ]
    items: Any = [{"role": "user", "content": content}]
    return client.responses.create(model=model, input=items, **KEPT).output_text


def length(model: str) -> Any:
    answer = client.responses.create(model=model, input="count 9", max_output_tokens=3, **KEPT)
    details = answer.incomplete_details
    return [answer.output_text, answer.status, details.reason if details else None]


def stored(model: str) -> Any:
    try:
        client.responses.create(model=model, input="hi", previous_response_id="resp_0")
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code]
    return "answered"


def coding_agent(model: str) -> Any:
    """Ask as coding agents do."""
    raw = client.responses.with_raw_response.create(
        model=model,
        instructions="rule " * 9000,
        input=[{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
        tools=TOOLS,
        tool_choice="auto",
        parallel_tool_calls=True,
        reasoning={"effort": "low", "summary": "auto"},
        prompt_cache_key="k",
        text={"verbosity": "low"},
        **KEPT,
    )
    return [raw.parse().output_text, raw.headers.get("x-pai-dropped", "")]


def _agent(model: Any) -> Any:
    @function_tool
    def get_weather(city: str) -> str:
        """Weather of a city."""
        return weather(city)

    set_tracing_disabled(True)
    settings = ModelSettings(store=False)
    made = Agent(name="a", model=model, tools=[get_weather], model_settings=settings)
    return Runner.run_sync(made, WEATHER).final_output


def _async() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0)


def agents_responses(model: str) -> Any:
    return _agent(OpenAIResponsesModel(model=model, openai_client=_async()))


def agents_chat(model: str) -> Any:
    return _agent(OpenAIChatCompletionsModel(model=model, openai_client=_async()))


def fails(model: str) -> Any:
    try:
        client.responses.create(model=model, input="fail 400", **KEPT)
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code]


def spent(model: str) -> Any:
    try:
        client.with_options(max_retries=2).responses.create(
            model="tight-" + model, input="x " * 3000, max_output_tokens=1000
        )
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code]


TASKS = [plain, stream, tools, tools_streamed, structured, image, length, stored, coding_agent]
TASKS += [agents_responses, agents_chat, fails, spent]
if __name__ == "__main__":
    run({task.__name__: task for task in TASKS}, sys.argv[3:])
