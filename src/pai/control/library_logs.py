"""Libraries' own log lines, in our form and without anything that a request carried."""

import logging
import traceback

from pai.wire import log


class Bridge(logging.Handler):
    """Passes records of the standard library's logging on as JSON lines.

    Of an exception only type and place are told: its text may repeat what a caller sent.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        fields: dict[str, str] = {"logger": record.name}
        message = record.getMessage()
        if record.exc_info and record.exc_info[0]:
            message = record.msg if isinstance(record.msg, str) else "exception"
            fields["error"] = record.exc_info[0].__name__
            fields["trace"] = "".join(traceback.format_tb(record.exc_info[2]))
        write = log.error if record.levelno >= logging.ERROR else log.warning
        write(message.strip(), **fields)


def install() -> None:
    """Take over the root logger, from warnings up."""
    logging.basicConfig(handlers=[Bridge()], level=logging.WARNING, force=True)
