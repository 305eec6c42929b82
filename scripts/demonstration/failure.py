"""What can go wrong with the demo, in one line."""


class DemoError(Exception):
    """The demo can't go on; the text says why."""
