"""The `openai` SDK: chat completions, completions, embeddings, models."""

import json
import sys
from typing import Any

import openai
from tests.clients.programs.tasks import CITY, PIXEL, SCHEMA, WEATHER, run, weather

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0)
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "get_weather", "description": "Weather", "parameters": CITY},
    }
]


def say(text: str) -> Any:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def _functions(message: Any) -> list[Any]:
    return list(message.tool_calls or ())


def usage(answer: Any) -> list[int]:
    return [answer.usage.prompt_tokens, answer.usage.completion_tokens]


def plain(model: str) -> Any:
    answer = client.chat.completions.create(
        model=model, messages=say("hello there"), max_completion_tokens=50
    )
    choice = answer.choices[0]
    return [choice.message.content, choice.finish_reason, usage(answer)]


def stream(model: str) -> Any:
    text, finish, counted, chunks = "", "", None, 0
    for chunk in client.chat.completions.create(
        model=model, messages=say("count 5"), stream=True, stream_options={"include_usage": True}
    ):
        chunks += 1
        counted = usage(chunk) if chunk.usage else counted
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return [text, finish, counted, chunks > 4]


def stream_without_usage(model: str) -> Any:
    chunks = list(client.chat.completions.create(model=model, messages=say("hi"), stream=True))
    return [any(chunk.usage for chunk in chunks), all(chunk.choices for chunk in chunks)]


def tools(model: str) -> Any:
    messages = say(WEATHER)
    first = client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, reasoning_effort="low"
    )
    message = first.choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in _functions(message):
        text = weather(json.loads(call.function.arguments)["city"])
        messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
    last = client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, reasoning_effort="low"
    )
    names = [call.function.name for call in _functions(message)]
    return [first.choices[0].finish_reason, names, last.choices[0].message.content]


def tools_streamed(model: str) -> Any:
    with client.chat.completions.stream(model=model, messages=say(WEATHER), tools=TOOLS) as events:
        for _ in events:
            pass
        choice = events.get_final_completion().choices[0]
    calls = [[c.function.name, c.function.arguments] for c in choice.message.tool_calls or ()]
    return [choice.finish_reason, calls]


def structured(model: str) -> Any:
    shape: Any = {"name": "person", "schema": SCHEMA, "strict": True}
    answer = client.chat.completions.create(
        model=model,
        messages=say("who ?"),
        response_format={"type": "json_schema", "json_schema": shape},
    )
    return json.loads(answer.choices[0].message.content or "")


def image(model: str) -> Any:
    parts: Any = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts}]
    )
    return answer.choices[0].message.content


def reasoning(model: str) -> Any:
    answer = client.chat.completions.create(
        model=model, messages=say("hello"), reasoning_effort="low", max_completion_tokens=4000
    )
    details = answer.usage.completion_tokens_details if answer.usage else None
    return [answer.choices[0].message.content, details.reasoning_tokens if details else None]


def stop(model: str) -> Any:
    answer = client.chat.completions.create(model=model, messages=say("count 9"), stop=["4"])
    return [answer.choices[0].message.content, answer.choices[0].finish_reason]


def length(model: str) -> Any:
    answer = client.chat.completions.create(
        model=model, messages=say("count 9"), max_completion_tokens=3
    )
    return [answer.choices[0].message.content, answer.choices[0].finish_reason]


def advice(model: str) -> Any:
    raw = client.chat.completions.with_raw_response.create(
        model=model,
        messages=say("hi"),
        metadata={"a": "b"},
        user="u",
        service_tier="auto",
        prompt_cache_key="k",
    )
    return [raw.parse().choices[0].message.content, raw.headers.get("x-pai-dropped", "")]


def completion(model: str) -> Any:
    answer = client.completions.create(model=model, prompt="hello", max_tokens=20)
    return [answer.choices[0].text, answer.choices[0].finish_reason]


def embeddings(model: str) -> Any:
    answer = client.embeddings.create(model=model, input=["abc", "de"], dimensions=3)
    return [each.embedding for each in answer.data]


def models(model: str) -> Any:
    return [model in [each.id for each in client.models.list()], client.models.retrieve(model).id]


def fails(model: str) -> Any:
    try:
        client.chat.completions.create(model=model, messages=say("fail 400"))
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code]


def breaks(model: str) -> Any:
    text = ""
    try:
        for chunk in client.chat.completions.create(
            model=model, messages=say("please break now"), stream=True
        ):
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
    except openai.APIError as error:
        return [text, type(error).__name__]
    return [text, "no error"]


def spent(model: str) -> Any:
    try:
        client.with_options(max_retries=2).chat.completions.create(
            model="tight-" + model, messages=say("x " * 3000), max_tokens=1000
        )
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code]


def unknown(model: str) -> Any:
    try:
        client.chat.completions.create(model="nothing-like-it", messages=say("hi"))
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code]


TASKS = [plain, stream, stream_without_usage, tools, tools_streamed, structured, image, reasoning]
TASKS += [stop, length, advice, completion, embeddings, models, fails, breaks, spent, unknown]
if __name__ == "__main__":
    run({task.__name__: task for task in TASKS}, sys.argv[3:])
