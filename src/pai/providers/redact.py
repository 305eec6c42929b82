"""Replace a real credential in what a service answers, also where it is cut between two chunks.

Pure and streaming. Called by the sidecar for headers and bodies of every response to a request
that carried a credential.
"""

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, quote_plus

_SHORTEST_CORE: Final = 8  # a shorter piece of base64 would be found in innocent text


class _Forms:
    """The spellings of a credential, compiled once and shared by its streams."""

    __slots__ = ("any", "inner", "longest", "ordered", "replacement", "starts")

    def __init__(self, replacement: dict[bytes, bytes]) -> None:
        self.replacement = replacement
        self.ordered = tuple(sorted(replacement, key=len, reverse=True))
        self.longest = len(self.ordered[0]) if self.ordered else 0
        self.any = re.compile(b"|".join(map(re.escape, self.ordered)))
        self.starts = tuple({form[:1] for form in self.ordered})
        # bytes after which a form can go on: what ends with another one holds no beginning
        self.inner = frozenset(b"".join(form[:-1] for form in self.ordered))

    def occur_in(self, data: bytes) -> bool:
        """Say whether any spelling stands in `data`; many times faster than the expression."""
        for form in self.ordered:  # noqa: SIM110 - a generator would double the time
            if data.find(form) >= 0:  # `in` first tries bytes as a number, and fails
                return True
        return False

    def begun_at_end(self, data: bytes, position: int) -> int:
        """Return where the first beginning of a form stands that more bytes could complete."""
        first = len(data)
        if not data or data[-1] not in self.inner:
            return first
        earliest = max(position, first - self.longest + 1)
        for start in self.starts:
            index = data.find(start, earliest, first)
            while index != -1:
                if self._begins(data[index:]):
                    first = index
                    break
                index = data.find(start, index + 1, first)
        return first

    def _begins(self, tail: bytes) -> bool:
        for form in self.ordered:  # noqa: SIM110 - a generator would double the time
            if len(form) > len(tail) and form.startswith(tail):
                return True
        return False


class Redactor:
    """Replaces a credential in a stream; `feed` any number of times, then `finish` once.

    Law: whatever the chunks, the output is that of one chunk that holds everything. Of matches
    that overlap the leftmost counts, of those the longest.
    """

    __slots__ = ("_forms", "_held")

    def __init__(self, real: tuple[bytes, ...], dummy: bytes, forms: _Forms | None = None) -> None:
        self._forms = forms or _Forms(forms_of(real, dummy))
        self._held = b""

    def fresh(self) -> "Redactor":
        """Return a redactor of the same credential for another stream."""
        return Redactor((), b"", self._forms)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those that are settled."""
        forms = self._forms
        data = self._held + chunk if self._held else chunk
        if not forms.occur_in(data):
            hold = forms.begun_at_end(data, 0)
            self._held = data[hold:]
            return data if hold == len(data) else data[:hold]
        sent: list[bytes] = []
        position = 0
        match = forms.any.search(data)
        while True:
            hold = forms.begun_at_end(data, position)
            if match is None or match.start() >= hold:
                break
            sent += (data[position : match.start()], forms.replacement[match[0]])
            position = match.end()
            match = forms.any.search(data, position)
        self._held = data[hold:]
        return b"".join((*sent, data[position:hold]))

    def finish(self) -> bytes:
        """Return what was held back; the stream is at its end."""
        rest, self._held = self._held, b""
        return self.replace(rest)

    def replace(self, data: bytes) -> bytes:
        """Replace in a text that is complete, such as a header value."""
        forms = self._forms
        if not forms.occur_in(data):
            return data
        return forms.any.sub(lambda match: forms.replacement[match[0]], data)

    def headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Replace in the values of a header list; a name that holds the credential goes."""
        if not self._forms.occur_in(b"\n".join(map(b"\n".join, headers))):
            return headers
        return [
            (name, self.replace(value)) for name, value in headers if self.replace(name) == name
        ]


def forms_of(real: tuple[bytes, ...], dummy: bytes) -> dict[bytes, bytes]:
    """Return the spellings of the credentials, each with the same spelling of the dummy."""
    forms: dict[bytes, bytes] = {}
    for secret in filter(None, real):
        for spell in _SPELLINGS:
            forms.setdefault(spell(secret), spell(dummy))
    for secret in filter(None, real):
        for core in _base64_cores(secret):
            forms.setdefault(core, cycled(dummy, len(core)))
    return forms


def _base64_cores(secret: bytes) -> list[bytes]:
    """Return what of a secret shows in base64 at each alignment, in both alphabets.

    The letters at either end also depend on the neighbours ("user:token") and are left out.
    """
    cores = []
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret)
        first = (0, 2, 3)[lead]
        last = (lead + len(secret)) * 8 // 6
        core = encoded[first:last]
        if len(core) >= _SHORTEST_CORE:
            cores += [core, core.translate(bytes.maketrans(b"+/", b"-_"))]
    return cores


def cycled(dummy: bytes, length: int) -> bytes:
    """Return base64 letters of the dummy, as many as asked: the text around stays decodable."""
    letters = base64.urlsafe_b64encode(dummy).rstrip(b"=").replace(b"-", b"A").replace(b"_", b"A")
    return (letters * (length // max(1, len(letters)) + 1))[:length]


def _as_text(spell: Callable[[str], str]) -> Callable[[bytes], bytes]:
    return lambda raw: spell(raw.decode("latin-1")).encode("latin-1")


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _json_for_html(text: str) -> str:
    escaped = _json(text)
    for char in "<>&'+=":
        escaped = escaped.replace(char, f"\\u{ord(char):04x}")
    return escaped


def _percent_lower(raw: bytes) -> bytes:
    return re.sub(rb"%[0-9A-F]{2}", lambda m: m[0].lower(), quote(raw, safe="").encode())


_SPELLINGS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda raw: raw,
    lambda raw: quote(raw, safe="").encode(),
    lambda raw: quote(raw, safe="/:").encode(),
    lambda raw: quote_plus(raw).encode(),
    _percent_lower,
    _as_text(_json),
    _as_text(lambda text: _json(text).replace("/", "\\/")),
    _as_text(_json_for_html),
    _as_text(lambda text: html.escape(text)),
)
