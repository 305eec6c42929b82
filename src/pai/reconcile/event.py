"""Something that happened to an agent, as it is told in its events."""

import msgspec


class Event(msgspec.Struct, frozen=True):
    """Something that happened to an agent. type: Normal or Warning."""

    type: str
    reason: str
    message: str
