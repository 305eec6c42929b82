import json
import os

from pai.cli.supervisor.report import Message, PipeReporter, messages


def test_what_is_sent_is_received_and_the_pipe_ends() -> None:
    reading, writing = os.pipe()
    reporter = PipeReporter(writing)
    reporter.progress("control is ready")
    reporter.line("control", "not sent")
    reporter.ready(1.5)
    reporter.failed("too late", None)
    with os.fdopen(reading) as pipe:
        assert list(messages(iter(pipe))) == [
            Message("progress", "control is ready"),
            Message("ready", seconds=1.5),
        ]


def test_a_reader_that_went_away_does_not_stop_the_platform() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    reporter = PipeReporter(writing)
    reporter.progress("x")
    reporter.ready(1.0)


def test_messages_are_lines_of_json() -> None:
    line = json.dumps({"kind": "failed", "text": "a\nb", "hint": None, "seconds": 0.0})
    assert list(messages(iter([line]))) == [Message("failed", "a\nb")]
