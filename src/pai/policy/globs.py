"""Globs, compiled once and matched in time linear in the text whatever the pattern is.

A pattern becomes a small automaton whose states are the bits of one integer, so there is no
backtracking to exploit. Called by `pai.policy.engine`.
"""

from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], bool]

_STAR = 0  # any characters but "/"
_DEEP = 1  # any characters
_SKIP = 2  # consumes nothing; the two tokens after it may be left out


@lru_cache(maxsize=4096)
def path_glob(pattern: str) -> Matcher:
    """Return a matcher for paths: `*` stays within a segment, `**` does not.

    `/**/` also stands for a single `/`, and a closing `/**` also for nothing. A slash at the end
    of pattern or path is no difference: most servers treat both alike, and a rule must not be
    walked around with it.
    """
    tokens = _path_tokens(_without_trailing_slash(pattern))
    if all(isinstance(token, str) for token in tokens):
        plain = _without_trailing_slash(pattern)
        return lambda path: _without_trailing_slash(path) == plain
    automaton = _Automaton(tokens)
    return lambda path: automaton.matches(_without_trailing_slash(path))


@lru_cache(maxsize=4096)
def name_glob(pattern: str) -> Matcher:
    """Return a matcher for actions and resources: each `*` stands for any characters."""
    if "*" not in pattern:
        return lambda name: name == pattern
    automaton = _Automaton([_DEEP if char == "*" else char for char in pattern])
    return automaton.matches


def _without_trailing_slash(text: str) -> str:
    return text[:-1] if len(text) > 1 and text.endswith("/") else text


def _path_tokens(pattern: str) -> list[str | int]:
    tokens: list[str | int] = []
    rest = pattern
    while rest:
        if rest == "/**" or rest.startswith("/**/"):
            tokens += [_SKIP, "/", _DEEP]
            rest = rest[3:]
        elif rest.startswith("**"):
            tokens.append(_DEEP)
            rest = rest.lstrip("*")
        elif rest.startswith("*"):
            tokens.append(_STAR)
            rest = rest[1:]
        else:
            tokens.append(rest[0])
            rest = rest[1:]
    return tokens


class _Automaton:
    """Shift-and over one integer: bit i is set while the first i tokens have matched."""

    def __init__(self, tokens: list[str | int]) -> None:
        self._literal: dict[str, int] = {}
        self._star = self._deep = self._skip = 0
        for index, token in enumerate(tokens):
            bit = 1 << index
            if isinstance(token, str):
                self._literal[token] = self._literal.get(token, 0) | bit
            elif token == _SKIP:
                self._skip |= bit
            elif token == _DEEP:
                self._deep |= bit
            else:
                self._star |= bit
        self._accept = 1 << len(tokens)

    def matches(self, text: str) -> bool:
        """Say whether the whole text matches."""
        literal, wild, deep = self._literal, self._star | self._deep, self._deep
        states = self._closed(1)
        for char in text:
            stay = states & (deep if char == "/" else wild)
            states = self._closed(((states & literal.get(char, 0)) << 1) | stay)
            if not states:
                return False
        return bool(states & self._accept)

    def _closed(self, states: int) -> int:
        """Add the states that are reached without a character, until nothing is new."""
        wild, skip = self._star | self._deep, self._skip
        while True:
            entered = states & skip
            grown = states | (entered << 1) | (entered << 3) | ((states & wild) << 1)
            if grown == states:
                return states
            states = grown
