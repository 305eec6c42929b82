"""LangChain's chat models with tools, each in its own vendor's dialect."""

import sys
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tests.clients.programs.tasks import WEATHER, run, weather

BASE, TOKEN = sys.argv[1], sys.argv[2]


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return weather(city)


def openai(model: str) -> Any:
    return ChatOpenAI(model=model, base_url=BASE + "/v1", api_key=SecretStr(TOKEN), max_retries=0)


def anthropic(model: str) -> Any:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return ChatAnthropic(
        model_name=model,
        base_url=BASE,
        api_key=SecretStr(TOKEN),
        default_headers=headers,
        max_retries=0,
        timeout=30,
        stop=None,
    )


def gemini(model: str) -> Any:
    return ChatGoogleGenerativeAI(
        model=model,
        base_url=BASE,
        google_api_key=SecretStr(TOKEN),
        additional_headers={"authorization": f"Bearer {TOKEN}"},
        max_retries=1,
    )


def _loop(chat: Any, *, streamed: bool) -> Any:
    bound = chat.bind_tools([get_weather])
    messages: list[Any] = [HumanMessage(WEATHER)]
    if streamed:
        first = None
        for chunk in bound.stream(messages):
            first = chunk if first is None else first + chunk
    else:
        first = bound.invoke(messages)
    assert first is not None
    messages.append(first)
    for call in first.tool_calls:
        text = weather(call["args"]["city"])
        messages.append(ToolMessage(text, tool_call_id=call["id"], name=call["name"]))
    return bound.invoke(messages).text


TASKS: dict[str, Any] = {
    f"{make.__name__}_{'streamed' if streamed else 'whole'}": (
        lambda model, make=make, streamed=streamed: _loop(make(model), streamed=streamed)
    )
    for make in (openai, anthropic, gemini)
    for streamed in (False, True)
}
if __name__ == "__main__":
    run(TASKS, sys.argv[3:])
