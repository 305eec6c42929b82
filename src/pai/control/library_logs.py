"""Libraries' own log lines, in our form and without anything that a request carried."""

import asyncio
import logging

from pai.wire import log

# What a server says of a refused WebSocket and of streams that end with the process: expected.
_EXPECTED = ("ASGI callable returned without completing handshake", "Cancel ")


class Passing(logging.Handler):
    """Passes records of the standard library's logging on as JSON lines.

    Of an exception only type and place are told: its text may repeat what a caller sent.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        failure = record.exc_info[1] if record.exc_info else None
        if isinstance(failure, asyncio.CancelledError):
            return  # the process ends, and what still ran with it
        if failure is not None:
            log.crash(f"{record.name} failed", failure)
            return
        message = record.getMessage().strip()
        if message.startswith(_EXPECTED):
            log.debug(message, logger=record.name)
        elif record.levelno >= logging.ERROR:
            log.error(message, logger=record.name)
        else:
            log.warning(message, logger=record.name)


def install() -> None:
    """Take over the root logger, from warnings up."""
    logging.basicConfig(handlers=[Passing()], level=logging.WARNING, force=True)
