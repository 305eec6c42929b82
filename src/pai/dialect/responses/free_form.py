"""Tools of other kinds than functions, as the functions that every vendor knows.

A free-form tool becomes a function with one string, `input`, as in chats; a tool in a namespace
gets the namespace in front of its name; the search for tools, where the client runs it, is one more
function. The way back goes by the tools of the request.
"""

from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

SEARCH = "tool_search"
_JOINT = "__"


class Known(NamedTuple):
    """How a client knows a tool that has another form on the way to the vendor."""

    name: str
    namespace: str = ""
    kind: Literal["function", "custom", "search"] = "function"


_objects = msgspec.json.Decoder(dict[str, Raw])


def joint_name(namespace: str, name: str) -> str:
    """Return the one name of a tool in a namespace."""
    if not namespace:
        return name
    return namespace + name if namespace.endswith(_JOINT) else namespace + _JOINT + name


def as_arguments(text: str) -> str:
    """Return a free-form tool's text as a function's arguments."""
    return msgspec.json.encode({"input": text}).decode()


def object_text(arguments: str) -> str:
    """Return arguments that are a JSON object; others, such as cut ones, as text in one."""
    if not arguments:
        return "{}"
    try:
        _objects.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return msgspec.json.encode({"arguments": arguments}).decode()
    return arguments
