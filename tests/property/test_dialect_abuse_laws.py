"""Laws of hostile input: the last of two fields counts, bombs are bounded, all is charged."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.property.dialect_fuzz import CLIENTS, TALKERS, fuzz_answer, fuzz_request, kept, mutated

from pai.dialect.gemini import GENERATE_CLIENT, ArrayMeter
from pai.dialect.refused import BadRequestError, UnreadableError
from pai.dialect.sides import Call, ClientSide, Meter, VendorSide
from pai.dialect.sse import MOST_EVENT_BYTES

NAMED = [client for client, method in CLIENTS if not method]
CAPS = {"openai.responses": "max_output_tokens"}
TEXT = '"messages":[],"input":"x","prompt":"x"'
PIECE = b"x" * 65_536
BOX = settings(max_examples=150, deadline=None)


@BOX
@given(mutated(kept("requests")))
def test_any_request_is_read_or_refused(body: bytes) -> None:
    fuzz_request(body)


@BOX
@given(mutated(kept("answers")), st.lists(st.integers(0, 4000), max_size=4))
def test_any_answer_is_metered_and_read_or_unreadable(data: bytes, cuts: list[int]) -> None:
    fuzz_answer(data, cuts)


@pytest.mark.parametrize("kind", ["requests", "answers"])
def test_the_corpus_is_taken_in(kind: str) -> None:
    for data in kept(kind):
        fuzz_request(data)
        fuzz_answer(data, [1, len(data) // 2])


@pytest.mark.parametrize("client", NAMED, ids=lambda each: each.name)
@given(st.lists(st.sampled_from(["a", "b", "main"]), max_size=4), st.booleans())
@example(["nope"], True)
def test_the_last_model_is_the_one_that_is_looked_at_and_sent(
    client: ClientSide, names: list[str], escaped: bool
) -> None:
    """escaped: the last is spelled `mod\\u0065l`."""
    key = "mod\\u0065l" if escaped else "model"
    models = ",".join([*(f'"model":"{each}"' for each in names), f'"{key}":"last"'])
    cap = CAPS.get(client.name, "max_tokens")
    body = f'{{"{cap}":5,{models},{TEXT},"{cap}":3}}'.encode()
    reading = client.read(Call(body))
    assert reading.model == "last"
    sent: list[tuple[str, object]] = json.loads(
        reading.body_for("real", 10, "max_tokens"), object_pairs_hook=lambda pairs: pairs
    )
    assert [value for name, value in sent if name == "model"] == ["real"]
    if reading.cap:
        assert reading.cap == 3
        assert [value for name, value in sent if name == cap] == [3]


def test_google_s_model_is_the_paths_and_a_field_in_both_spellings_is_refused() -> None:
    body = b'{"model":"models/other","contents":[],"generationConfig":{"maxOutputTokens":9},'
    twice = body + b'"generationConfig":{"max_output_tokens":9,"max_output_tokens":4}}'
    reading = GENERATE_CLIENT.read(Call(twice, "main"))
    assert (reading.model, reading.cap) == ("main", 4)
    sent = json.loads(reading.body_for("real", 10, ""), object_pairs_hook=lambda pairs: pairs)
    assert sent == [("contents", []), ("generationConfig", [("max_output_tokens", 4)])]
    for double in (
        body + b'"generation_config":{}}',
        b'{"contents":[],"generationConfig":{"maxOutputTokens":9,"max_output_tokens":4}}',
        b'{"contents":[],"generationConfig":{"MaxOutputTokens":9}}',
    ):
        with pytest.raises(BadRequestError):
            GENERATE_CLIENT.read(Call(double, "main"))


METERS = [*(vendor.meter(keeps_usage=True) for vendor in TALKERS), ArrayMeter()]


@pytest.mark.parametrize("meter", METERS, ids=lambda each: type(each).__name__)
def test_an_event_without_end_passes_counted_and_is_not_kept(meter: Meter) -> None:
    passed = len(meter.feed(b'data: {"a":"'))
    for _ in range(640):
        passed += len(meter.feed(PIECE))
    passed += len(meter.finish())
    assert passed == 12 + 640 * len(PIECE)
    assert passed - 12 <= meter.text_bytes <= passed
    assert not meter.complete


@pytest.mark.parametrize("vendor", TALKERS, ids=lambda each: each.name)
def test_an_event_costs_its_length_however_it_is_cut(vendor: VendorSide) -> None:
    """A million bytes in pieces of 16: seconds when each piece costs all that waits."""
    started = time.process_time()
    for taker in (vendor.meter(keeps_usage=True), vendor.reader()):
        taker.feed(b"data: ")
        for _ in range(60_000):
            taker.feed(b"x" * 16)
    assert time.process_time() - started < 3.0


@pytest.mark.parametrize("vendor", TALKERS, ids=lambda each: each.name)
def test_an_event_without_end_can_not_be_translated(vendor: VendorSide) -> None:
    reader = vendor.reader()
    with pytest.raises(UnreadableError, match="longer than"):
        for _ in range(MOST_EVENT_BYTES // len(PIECE) + 1):
            reader.feed(PIECE)


@pytest.mark.parametrize("vendor", TALKERS, ids=lambda each: each.name)
@pytest.mark.parametrize("end", [b"{]", b"[]", b'{"type":5}', b"\xff", b"[" * 5000])
def test_a_stream_that_is_cut_within_an_event_is_counted(vendor: VendorSide, end: bytes) -> None:
    reader = vendor.reader()
    reader.feed(b"data: " + end)
    assert "Broken" in {type(each).__name__ for each in reader.finish()}
    assert not reader.complete
