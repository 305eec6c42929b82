"""The `google-genai` SDK: generate_content, streams, automatic calling, counting, embeddings."""

import json
import sys
from base64 import b64decode
from typing import Any

from google import genai
from google.genai import errors, types
from tests.clients.programs.tasks import CITY, PIXEL, SCHEMA, WEATHER, run, weather

TOKEN = sys.argv[2]
HEADERS = {} if TOKEN.startswith("sk-canary") else {"authorization": f"Bearer {TOKEN}"}
client = genai.Client(
    api_key=TOKEN, http_options=types.HttpOptions(base_url=sys.argv[1], headers=HEADERS)
)
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather", description="Weather", parameters_json_schema=CITY
        )
    ]
)


def usage(answer: Any) -> list[int]:
    found = answer.usage_metadata
    output = (found.candidates_token_count or 0) + (found.thoughts_token_count or 0)
    return [found.prompt_token_count, output]


def finish(answer: Any) -> str:
    return str(answer.candidates[0].finish_reason.value)


def plain(model: str) -> Any:
    config = types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=50)
    answer = client.models.generate_content(model=model, contents="hello there", config=config)
    return [answer.text, finish(answer), usage(answer)]


def stream(model: str) -> Any:
    text, chunks, last = "", 0, None
    for chunk in client.models.generate_content_stream(model=model, contents="count 5"):
        chunks += 1
        text += chunk.text or ""
        last = chunk
    return [text, finish(last), usage(last)[1], chunks > 3]


def tools(model: str) -> Any:
    config = types.GenerateContentConfig(tools=[TOOL])
    asked = types.Content(role="user", parts=[types.Part(text=WEATHER)])
    first = client.models.generate_content(model=model, contents=[asked], config=config)
    calls = first.function_calls or []
    parts = [
        types.Part.from_function_response(
            name=each.name or "", response={"result": weather((each.args or {})["city"])}
        )
        for each in calls
    ]
    for part, call in zip(parts, calls, strict=True):
        if part.function_response is not None:
            part.function_response.id = call.id
    contents: Any = [asked, first.candidates[0].content, types.Content(role="user", parts=parts)]
    last = client.models.generate_content(model=model, contents=contents, config=config)
    return [[each.name for each in calls], last.text]


def tools_streamed(model: str) -> Any:
    config = types.GenerateContentConfig(tools=[TOOL])
    calls: list[Any] = []
    for chunk in client.models.generate_content_stream(
        model=model, contents=WEATHER, config=config
    ):
        calls += [[each.name, each.args] for each in chunk.function_calls or ()]
    return calls


def automatic(model: str) -> Any:
    def get_weather(city: str) -> str:
        """Weather of a city."""
        return weather(city)

    config = types.GenerateContentConfig(tools=[get_weather])
    return client.models.generate_content(model=model, contents=WEATHER, config=config).text


def structured(model: str) -> Any:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=SCHEMA
    )
    answer = client.models.generate_content(model=model, contents="who ?", config=config)
    return json.loads(answer.text or "")


def image(model: str) -> Any:
    parts: Any = [types.Part.from_bytes(data=b64decode(PIXEL), mime_type="image/png"), "look"]
    return client.models.generate_content(model=model, contents=parts).text


def thinking(model: str) -> Any:
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    )
    answer = client.models.generate_content(model=model, contents="hello", config=config)
    parts = answer.candidates[0].content.parts
    return [[part.text for part in parts or () if part.thought], answer.text]


def stop(model: str) -> Any:
    config = types.GenerateContentConfig(stop_sequences=["4"])
    answer = client.models.generate_content(model=model, contents="count 9", config=config)
    return [answer.text, finish(answer)]


def length(model: str) -> Any:
    config = types.GenerateContentConfig(max_output_tokens=3)
    answer = client.models.generate_content(model=model, contents="count 9", config=config)
    return [answer.text, finish(answer)]


def count(model: str) -> Any:
    return client.models.count_tokens(model=model, contents="one two three").total_tokens


def embeddings(model: str) -> Any:
    config = types.EmbedContentConfig(output_dimensionality=3)
    contents: Any = ["abc", "de"]
    answer = client.models.embed_content(model=model, contents=contents, config=config)
    return [each.values for each in answer.embeddings or ()]


def models(model: str) -> Any:
    names = [each.name for each in client.models.list()]
    return [f"models/{model}" in names, client.models.get(model=model).name]


def fails(model: str) -> Any:
    try:
        client.models.generate_content(model=model, contents="fail 400")
    except errors.APIError as error:
        return [type(error).__name__, error.code]


def breaks(model: str) -> Any:
    text = ""
    try:
        for chunk in client.models.generate_content_stream(model=model, contents="please break"):
            text += chunk.text or ""
    except errors.APIError as error:
        return [text, type(error).__name__]
    return [text, "no error"]


def spent(model: str) -> Any:
    try:
        client.models.generate_content(model="tight-" + model, contents="x " * 3000)
    except errors.APIError as error:
        return [type(error).__name__, error.code, error.status]


def unknown(model: str) -> Any:
    try:
        client.models.generate_content(model="nothing-like-it", contents="hi")
    except errors.APIError as error:
        return [type(error).__name__, error.code]


TASKS = [plain, stream, tools, tools_streamed, automatic, structured, image, thinking, stop]
TASKS += [length, count, embeddings, models, fails, breaks, spent, unknown]
if __name__ == "__main__":
    run({task.__name__: task for task in TASKS}, sys.argv[3:])
