"""Colour, or none: the only place that knows escape codes."""

from dataclasses import dataclass

_RESET = "\x1b[0m"


@dataclass(frozen=True)
class Paint:
    """Wraps text in colours when `on`, and returns it as it is when not."""

    on: bool = False

    def good(self, text: str) -> str:
        """Colour what works."""
        return self._wrap("32", text)

    def warn(self, text: str) -> str:
        """Colour what deserves a look."""
        return self._wrap("33", text)

    def bad(self, text: str) -> str:
        """Colour what failed."""
        return self._wrap("31", text)

    def bold(self, text: str) -> str:
        """Emphasise a heading."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """Push something into the background."""
        return self._wrap("2", text)

    def link(self, text: str) -> str:
        """Colour something that can be opened."""
        return self._wrap("36", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}{_RESET}" if self.on and text else text


PLAIN = Paint()
