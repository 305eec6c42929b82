"""The `anthropic` SDK: messages, count_tokens, models, the tool runner."""

import json
import sys
from typing import Any

import anthropic
from tests.clients.programs.tasks import CITY, PIXEL, SCHEMA, WEATHER, run, weather

client = anthropic.Anthropic(
    base_url=sys.argv[1],
    max_retries=0,
    **(
        {"api_key": sys.argv[2]}
        if sys.argv[2].startswith("sk-canary")
        else {"auth_token": sys.argv[2]}
    ),
)
TOOLS: Any = [{"name": "get_weather", "description": "Weather", "input_schema": CITY}]


def say(text: str) -> Any:
    return [{"role": "user", "content": text}]


def texts(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def usage(message: Any) -> list[int]:
    cached = message.usage.cache_read_input_tokens or 0
    return [message.usage.input_tokens + cached, message.usage.output_tokens]


def plain(model: str) -> Any:
    message = client.messages.create(
        model=model, max_tokens=50, system="Be brief.", messages=say("hello there")
    )
    return [texts(message), message.stop_reason, usage(message)]


def stream(model: str) -> Any:
    deltas = 0
    with client.messages.stream(model=model, max_tokens=50, messages=say("count 5")) as events:
        for _ in events.text_stream:
            deltas += 1
        message = events.get_final_message()
    return [texts(message), message.stop_reason, usage(message)[1], deltas > 3]


def _loop(model: str, first: Any, **more: Any) -> Any:
    messages = [*say(WEATHER), {"role": "assistant", "content": first.content}]
    results = [
        {"type": "tool_result", "tool_use_id": each.id, "content": weather(each.input["city"])}
        for each in first.content
        if each.type == "tool_use"
    ]
    messages.append({"role": "user", "content": results})
    return client.messages.create(
        model=model, max_tokens=4000, messages=messages, tools=TOOLS, **more
    )


def tools(model: str) -> Any:
    first = client.messages.create(model=model, max_tokens=4000, messages=say(WEATHER), tools=TOOLS)
    names = [each.name for each in first.content if each.type == "tool_use"]
    return [first.stop_reason, names, texts(_loop(model, first))]


def tools_streamed(model: str) -> Any:
    with client.messages.stream(
        model=model, max_tokens=400, messages=say(WEATHER), tools=TOOLS
    ) as events:
        message = events.get_final_message()
    calls = [[each.name, each.input] for each in message.content if each.type == "tool_use"]
    return [message.stop_reason, calls]


def thinking_tools(model: str) -> Any:
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(
        model=model, max_tokens=4000, messages=say(WEATHER), tools=TOOLS, thinking=thinking
    ) as events:
        first = events.get_final_message()
    kinds = [each.type for each in first.content]
    return [kinds[-2:], texts(_loop(model, first, thinking=thinking))]


def tool_runner(model: str) -> Any:
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Weather of a city.

        Args:
            city: Name of the city
        """
        return weather(city)

    runner = client.beta.messages.tool_runner(
        model=model, max_tokens=400, tools=[get_weather], messages=say(WEATHER)
    )
    return texts(runner.until_done())


def structured(model: str) -> Any:
    message = client.messages.create(
        model=model,
        max_tokens=100,
        messages=say("who ?"),
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    return json.loads(texts(message))


def image(model: str) -> Any:
    source: Any = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "look"}]
    return texts(
        client.messages.create(
            model=model, max_tokens=50, messages=[{"role": "user", "content": content}]
        )
    )


def stop(model: str) -> Any:
    message = client.messages.create(
        model=model, max_tokens=50, messages=say("count 9"), stop_sequences=["4"]
    )
    return [texts(message), message.stop_reason]


def length(model: str) -> Any:
    message = client.messages.create(model=model, max_tokens=3, messages=say("count 9"))
    return [texts(message), message.stop_reason]


def coding_agent(model: str) -> Any:
    """Ask as coding agents do: long cached prompts, betas, advice of every kind."""
    cached: Any = {"type": "ephemeral"}
    raw = client.beta.messages.with_raw_response.create(
        model=model,
        max_tokens=4000,
        betas=["claude-code-20250219", "context-management-2025-06-27"],
        system=[{"type": "text", "text": "rule " * 9000, "cache_control": cached}],
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "hello", "cache_control": cached}],
            }
        ],
        tools=[{**TOOLS[0], "cache_control": cached}],
        metadata={"user_id": "u"},
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
        output_config={"effort": "low"},
        thinking={"type": "adaptive"},
    )
    return [texts(raw.parse()), raw.headers.get("x-pai-dropped", "")]


def count(model: str) -> Any:
    return client.messages.count_tokens(model=model, messages=say("one two three")).input_tokens


def models(model: str) -> Any:
    return [model in [each.id for each in client.models.list()], client.models.retrieve(model).id]


def fails(model: str) -> Any:
    try:
        client.messages.create(model=model, max_tokens=50, messages=say("fail 400"))
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code]


def breaks(model: str) -> Any:
    text = ""
    try:
        with client.messages.stream(model=model, max_tokens=50, messages=say("please break")) as up:
            for part in up.text_stream:
                text += part
    except anthropic.APIError as error:
        return [text, type(error).__name__]
    return [text, "no error"]


def spent(model: str) -> Any:
    try:
        client.with_options(max_retries=2).messages.create(
            model="tight-" + model, max_tokens=1000, messages=say("x " * 3000)
        )
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code]


def unknown(model: str) -> Any:
    try:
        client.messages.create(model="nothing-like-it", max_tokens=5, messages=say("hi"))
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code]


TASKS = [plain, stream, tools, tools_streamed, thinking_tools, tool_runner, structured, image]
TASKS += [stop, length, coding_agent, count, models, fails, breaks, spent, unknown]
if __name__ == "__main__":
    run({task.__name__: task for task in TASKS}, sys.argv[3:])
