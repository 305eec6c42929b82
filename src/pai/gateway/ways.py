"""How one binding serves one client dialect: as it came, translated, or not at all."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import SplitResult

from pai.dialect.anthropic import MESSAGES_VENDOR, VERSION_HEADER
from pai.dialect.gemini import (
    EMBED_ONE_VENDOR,
    EMBED_VENDOR,
    GENERATE_VENDOR,
    ArrayMeter,
)
from pai.dialect.openai import (
    CHAT_VENDOR,
    COMPLETIONS_VENDOR,
    EMBEDDINGS_VENDOR,
    reasons,
)
from pai.dialect.responses import RESPONSES_VENDOR
from pai.dialect.sides import Meter, VendorSide
from pai.gateway.asked import Asked
from pai.ir.snapshot import GatewayBinding
from pai.wire.message import Headers

Speech = Literal["openai", "compatible", "anthropic", "gemini"]
"""compatible: OpenAI's older APIs, which everybody imitates; openai: all of them."""

_OLDER: Final[Mapping[str, VendorSide]] = {
    "openai.chat": CHAT_VENDOR,
    "openai.completions": COMPLETIONS_VENDOR,
    "openai.embeddings": EMBEDDINGS_VENDOR,
}
_NATIVE: Final[Mapping[Speech, Mapping[str, VendorSide]]] = {
    "compatible": _OLDER,
    "openai": {**_OLDER, "openai.responses": RESPONSES_VENDOR},
    "anthropic": {"anthropic.messages": MESSAGES_VENDOR},
    "gemini": {
        "gemini.generate": GENERATE_VENDOR,
        "gemini.embed": EMBED_VENDOR,
        "gemini.embed_one": EMBED_ONE_VENDOR,
    },
}
_EMBEDDING: Final = frozenset({"openai.embeddings", "gemini.embed", "gemini.embed_one"})
_EMBEDDERS: Final[Mapping[Speech, VendorSide | None]] = {
    "compatible": EMBEDDINGS_VENDOR,
    "openai": EMBEDDINGS_VENDOR,
    "anthropic": None,
    "gemini": EMBED_VENDOR,
}
_TALKERS: Final[Mapping[Speech, VendorSide]] = {
    "compatible": CHAT_VENDOR,
    "openai": CHAT_VENDOR,
    "anthropic": MESSAGES_VENDOR,
    "gemini": GENERATE_VENDOR,
}
JSON_TYPE: Final = b"application/json"
CLIENTS: Final = (
    "openai.chat",
    "openai.responses",
    "openai.completions",
    "openai.embeddings",
    "anthropic.messages",
    "gemini.generate",
    "gemini.embed",
    "gemini.embed_one",
)


class Way(NamedTuple):
    """One vendor API at one binding, ready for use.

    native: the client speaks it too. target, stream_target: path and query. key: the header with
    the vendor's key, or none. defaults: headers that the vendor needs if the client sent none.
    streams_json: its streams may come as a JSON array.
    """

    vendor: VendorSide
    native: bool
    target: bytes
    stream_target: bytes
    key: Headers
    defaults: Headers
    streams_json: bool

    def target_for(self, asked: Asked) -> bytes:
        """Return the path and query for a request."""
        if not asked.reading.stream:
            return self.target
        if self.native and self.streams_json and self._as_array(asked):
            return self.stream_target.partition(b"?")[0]
        return self.stream_target

    def meter_for(self, asked: Asked) -> Meter:
        """Return a meter for a stream that passes through."""
        if self.streams_json and self._as_array(asked):
            return ArrayMeter()
        return self.vendor.meter(keeps_usage=asked.reading.wants_usage)

    def _as_array(self, asked: Asked) -> bool:
        return asked.client.stream_type(asked.reading) == JSON_TYPE


def speech_of(binding: GatewayBinding, url: SplitResult) -> Speech:
    """Return what a binding's endpoint speaks: what its provider does, but for compatible ones."""
    path = url.path.rstrip("/")
    if binding.provider == "anthropic":
        return "anthropic"
    if binding.provider == "gemini":
        return "compatible" if path.endswith("/openai") else "gemini"
    return "openai" if url.hostname == "api.openai.com" else "compatible"


def ways_of(binding: GatewayBinding, url: SplitResult) -> Mapping[str, Way]:
    """Return the ways by client dialect; one that is absent can't be served here."""
    speech = speech_of(binding, url)
    base = url.path.rstrip("/")
    found = {}
    for client in CLIENTS:
        native = _NATIVE[speech].get(client)
        vendor = native or _translator(client, speech, binding.model)
        if vendor is not None:
            found[client] = _way(binding, base, vendor, native=native is not None)
    return found


def _translator(client: str, speech: Speech, model: str) -> VendorSide | None:
    if client in _EMBEDDING:
        return _EMBEDDERS[speech]
    if speech == "openai" and reasons(model):  # only there reasoning survives a tool call
        return RESPONSES_VENDOR
    return _TALKERS[speech]


def _way(binding: GatewayBinding, base: str, vendor: VendorSide, *, native: bool) -> Way:
    return Way(
        vendor=vendor,
        native=native,
        target=vendor.target(base, binding.model, stream=False),
        stream_target=vendor.target(base, binding.model, stream=True),
        key=[vendor.key(binding.api_key)] if binding.api_key else [],
        defaults=[VERSION_HEADER] if vendor is MESSAGES_VENDOR else [],
        streams_json=vendor is GENERATE_VENDOR,
    )
