"""Dummy credentials: of the shape client libraries accept, worth nothing, different per agent.

Made by control for each agent, put into its environment, and known to its sidecar, which
recognises them. The seed decides everything, so the same agent always gets the same ones.
"""

import hashlib
from collections.abc import Callable

_DIGITS = "0123456789"
_HEX = "0123456789abcdef"
_UPPER32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_URLSAFE = _ALNUM + "-_"
_BASE64 = _ALNUM + "/+"
_MARK = "PaiDummy"  # where the alphabet permits, so that a person sees what it is


def dummy(kind: str, seed: bytes) -> str:
    """Return the dummy of a kind of credential for one seed.

    kind: an LLM vendor, a provider type, or `aws-access-key-id`, `aws-secret-access-key`; any
    other gets the shape of `http-token`. seed: secret to control and different for each agent
    and each place where a dummy stands.
    """
    shape = _SHAPES.get(kind, _SHAPES["http-token"])
    return shape(_Letters(kind, seed))


class _Letters:
    """Endless letters drawn from a hash of kind and seed."""

    def __init__(self, kind: str, seed: bytes) -> None:
        self._bits = int.from_bytes(
            hashlib.shake_256(kind.encode() + b"\0" + seed).digest(256), "big"
        )

    def take(self, count: int, alphabet: str) -> str:
        """Return `count` further letters."""
        letters = []
        for _ in range(count):
            self._bits, index = divmod(self._bits, len(alphabet))
            letters.append(alphabet[index])
        return "".join(letters)


def _telegram(letters: _Letters) -> str:
    bot = letters.take(1, "123456789") + letters.take(9, _DIGITS)
    return f"{bot}:AA{_MARK}{letters.take(25, _URLSAFE)}"


def _slack(letters: _Letters) -> str:
    return (
        f"xoxb-{letters.take(12, _DIGITS)}-{letters.take(13, _DIGITS)}-"
        f"{_MARK}{letters.take(16, _ALNUM)}"
    )


_SHAPES: dict[str, Callable[[_Letters], str]] = {
    "openai": lambda x: f"sk-{_MARK}{x.take(40, _ALNUM)}",
    "anthropic": lambda x: f"sk-ant-api03-{_MARK}{x.take(85, _URLSAFE)}AA",
    "gemini": lambda x: f"AIza{_MARK}{x.take(27, _URLSAFE)}",
    "openrouter": lambda x: f"sk-or-v1-{x.take(64, _HEX)}",
    "github": lambda x: f"ghp_{_MARK}{x.take(28, _ALNUM)}",
    "telegram": _telegram,
    "slack": _slack,
    "aws": lambda x: f"AKIA{x.take(16, _UPPER32)}",
    "aws-access-key-id": lambda x: f"AKIA{x.take(16, _UPPER32)}",
    "aws-secret-access-key": lambda x: f"{_MARK}{x.take(32, _BASE64)}",
    "http-token": lambda x: f"pai-dummy-{x.take(40, _ALNUM)}",
}
