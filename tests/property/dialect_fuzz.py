"""Everything of the dialects that takes in foreign bytes, fed with mutations of the kept corpus.

`python -m tests.property.dialect_fuzz SECONDS` runs until its time is over (`make fuzz`).
"""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pai.budget.price import Tokens
from pai.dialect import gemini
from pai.dialect.anthropic import MESSAGES_CLIENT, MESSAGES_VENDOR, read_count
from pai.dialect.conversation import Texts
from pai.dialect.gemini import (
    EMBED_CLIENT,
    EMBED_ONE_CLIENT,
    EMBED_VENDOR,
    GENERATE_CLIENT,
    GENERATE_VENDOR,
    ArrayMeter,
)
from pai.dialect.openai import (
    CHAT_CLIENT,
    CHAT_VENDOR,
    COMPLETIONS_CLIENT,
    EMBEDDINGS_CLIENT,
    EMBEDDINGS_VENDOR,
)
from pai.dialect.refused import BadRequestError, UnreadableError
from pai.dialect.responses import RESPONSES_CLIENT, RESPONSES_VENDOR
from pai.dialect.sides import Call, ClientSide, Meter, VendorSide

LOT = 200
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "dialect"
CLIENTS: Sequence[tuple[ClientSide, str]] = (
    (CHAT_CLIENT, ""),
    (COMPLETIONS_CLIENT, ""),
    (EMBEDDINGS_CLIENT, ""),
    (RESPONSES_CLIENT, ""),
    (MESSAGES_CLIENT, ""),
    (GENERATE_CLIENT, "streamGenerateContent"),
    (EMBED_CLIENT, "batchEmbedContents"),
    (EMBED_ONE_CLIENT, "embedContent"),
)
TALKERS = (CHAT_VENDOR, MESSAGES_VENDOR, GENERATE_VENDOR, RESPONSES_VENDOR)
EMBEDDERS = (EMBEDDINGS_VENDOR, EMBED_VENDOR)
NATIVE = json.dumps({"model": "main", "max_tokens": 9, "stream": True, "messages": []}).encode()
WORDS = (
    *(b"null", b"-1", b"1e400", b"9" * 400, b"NaN", b'"', b"\\ud800", b"\xff", b"\n\n", b"\r\n"),
    *(b"[" * 200, b'{"a":' * 200, b"{}", b"[]", b"true", b"data: ", b"[DONE]", b'"model":"x",'),
)


def kept(kind: str) -> list[bytes]:
    """Return the corpus, sorted by name. kind: requests or answers."""
    return [path.read_bytes() for path in sorted((CORPUS / kind).iterdir())]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Draw one of the corpus with a few places written over, cut out, doubled or stretched."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(
            st.sampled_from(WORDS) | st.binary(max_size=4) | st.sampled_from([data[start:end] * 2])
        )
        data = data[:start] + piece + data[end:]
    return data


def fuzz_request(body: bytes) -> None:
    """Have a body read by every client side, and written for every vendor."""
    for client, method in CLIENTS:
        with suppress(BadRequestError):
            reading = client.read(Call(body, "main" if method else None, method))
            json.loads(reading.body_for("real", 7, "max_tokens"))
            meaning = reading.meaning()
            for vendor in EMBEDDERS if isinstance(meaning, Texts) else TALKERS:
                with suppress(BadRequestError):
                    json.loads(vendor.write(meaning, "real", 7).body)
    with suppress(BadRequestError):
        json.loads(read_count(body).count_body_for("real"))
    with suppress(BadRequestError):
        json.loads(gemini.read_count(Call(body, "main")).count_body_for("real"))


def fuzz_answer(data: bytes, cuts: list[int]) -> None:
    """Have a vendor's bytes metered, read and written for every client, cut at `cuts`."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(places)]
    for vendor in (*TALKERS, *EMBEDDERS):
        _whole(vendor, data)
    for make in _meters():
        meter = make()
        passed = b"".join(map(meter.feed, chunks)) + meter.finish()
        assert data.startswith(passed) or len(passed) <= len(data)
        assert meter.text_bytes <= len(data)
        assert _is_possible(meter.tokens)
    for vendor in TALKERS:
        for client, method in CLIENTS[3:6] if vendor is CHAT_VENDOR else CLIENTS[:1]:
            _translate(vendor, client, method, chunks)


def _meters() -> list[Callable[[], Meter]]:
    def usual(vendor: VendorSide) -> Callable[[], Meter]:
        return lambda: vendor.meter(keeps_usage=True)

    return [*map(usual, TALKERS), lambda: CHAT_VENDOR.meter(keeps_usage=False), ArrayMeter]


def _is_possible(tokens: Tokens | None) -> bool:
    if tokens is None:
        return True
    counts = (tokens.input, tokens.output, tokens.cached, tokens.reasoning, tokens.written)
    return min(counts) >= 0


def _whole(vendor: VendorSide, data: bytes) -> None:
    tokens = vendor.tokens(data)
    assert _is_possible(tokens)
    assert len(vendor.error_text(data)) <= len(data) + 1_000
    with suppress(UnreadableError):
        vendor.reply(data)
    with suppress(UnreadableError):
        vendor.vectors(data, "m")


def _translate(vendor: VendorSide, client: ClientSide, method: str, chunks: list[bytes]) -> None:
    body = {
        RESPONSES_CLIENT.name: b'{"model":"main","stream":true,"input":"x"}',
        GENERATE_CLIENT.name: b'{"contents":[]}',
    }.get(client.name, NATIVE)
    writer = client.writer(client.read(Call(body, "main", method)))
    reader = vendor.reader()
    try:
        for chunk in chunks:
            for event in reader.feed(chunk):
                writer.write(event)
    except UnreadableError:
        return
    for event in reader.finish():  # must not raise: the call has to be settled
        writer.write(event)
    writer.finish()


def run(seconds: float) -> int:
    """Fuzz until `seconds` are over; return how many inputs were tried."""
    end, tried = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number = random.randrange(2**32)
        print(f"{tried} inputs; now those of seed {number}", flush=True)
        lot = settings(
            max_examples=LOT,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        for target, inputs in laws():
            seed(number)(lot(given(**inputs)(target)))()
            tried += LOT
    return tried


def laws() -> tuple[tuple[Callable[..., None], dict[str, st.SearchStrategy[object]]], ...]:
    """Return the targets with their inputs."""
    requests, answers = kept("requests"), kept("answers")
    cuts = st.lists(st.integers(0, 4000), max_size=4)
    return (
        (fuzz_request, {"body": mutated(requests)}),
        (fuzz_answer, {"data": mutated(answers), "cuts": cuts}),
    )


if __name__ == "__main__":
    run(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0)
