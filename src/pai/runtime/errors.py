"""Errors of an engine, told without anything that it was sent."""

from pai.errors import PaiError, TransientError


class EngineUnavailableError(TransientError):
    """The engine does not answer: not running, stopped, or too busy."""

    reason = "EngineUnavailable"


class EngineRefusedError(PaiError):
    """The engine answered that it can't do what was asked; the message is its own, shortened.

    status: of its HTTP answer.
    """

    reason = "EngineRefused"

    def __init__(self, message: str, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.status = status
