"""Reads the smuggling corpus: one case a line, `name | verdict | escaped bytes`."""

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "corpus"
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\])")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


class Case(NamedTuple):
    name: str
    verdict: str
    data: bytes


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code[1:], 16)]) if code[:1] == b"x" else _PLAIN[code]


def load(name: str) -> list[Case]:
    cases = []
    for line in (FOLDER / f"{name}.txt").read_bytes().splitlines():
        if line and not line.startswith(b"#"):
            title, verdict, data = line.split(b" | ", 2)
            text = _ESCAPE.sub(_unescape, data)
            cases.append(Case(title.decode(), verdict.decode(), text))
    return cases
