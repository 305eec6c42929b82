import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pai.providers.mask import SEEN_BYTES, Mask
from pai.providers.redact import Redactor, forms_of

secrets = st.text(alphabet='aAbB/+=&%"\\<', min_size=1, max_size=9).map(str.encode)
DUMMY = b"0123456789"


@st.composite
def streams(draw: st.DrawFn) -> tuple[tuple[bytes, ...], bytes, list[int]]:
    """A few secrets, a text made of them, of their pieces and of noise, and where it is cut."""
    real = tuple(draw(st.lists(secrets, min_size=1, max_size=2)))
    forms = sorted(forms_of(real, DUMMY))
    pieces = st.one_of(
        st.sampled_from(forms),
        st.builds(lambda form, end: form[:end], st.sampled_from(forms), st.integers(0, 30)),
        st.binary(max_size=3),
    )
    text = b"".join(draw(st.lists(pieces, max_size=8)))
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=8))
    return real, text, sorted(cuts)


@settings(max_examples=400)
@given(stream=streams())
def test_any_chunking_equals_replacing_the_whole(
    stream: tuple[tuple[bytes, ...], bytes, list[int]],
) -> None:
    real, text, cuts = stream
    redactor = Redactor(real, DUMMY)
    whole = redactor.replace(text)
    edges = [0, *cuts, len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert b"".join(map(redactor.feed, chunks)) + redactor.finish() == whole


@settings(max_examples=200)
@given(stream=streams())
def test_the_secret_never_comes_out(
    stream: tuple[tuple[bytes, ...], bytes, list[int]],
) -> None:
    """Byte by byte, the hardest chunking: nothing sent at any time holds a form of the secret."""
    real, text, _ = stream
    redactor = Redactor(real, DUMMY)
    sent = b"".join(redactor.feed(text[i : i + 1]) for i in range(len(text))) + redactor.finish()
    assert not any(secret in sent for secret in real)


@settings(max_examples=300)
@given(stream=streams())
def test_a_mask_keeps_length_and_never_lets_a_secret_through(
    stream: tuple[tuple[bytes, ...], bytes, list[int]],
) -> None:
    real, text, cuts = stream
    mask = Mask(real, DUMMY)
    edges = [0, *cuts, len(text)]
    sent = b"".join(mask.feed(text[start:end]) for start, end in itertools.pairwise(edges))
    sent += mask.finish()
    assert len(sent) == len(text)
    assert not any(secret in sent for secret in real if len(secret) > 2)


@given(before=st.binary(max_size=9), after=st.binary(max_size=9), cuts=st.sets(st.integers(0, 40)))
def test_at_most_a_few_bytes_of_a_long_secret_pass_a_mask(
    before: bytes, after: bytes, cuts: set[int]
) -> None:
    secret = b"Secret-0123456789-abcdefghij"
    text = before + secret + after
    mask = Mask((secret,), DUMMY)
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    sent = b"".join(mask.feed(text[start:end]) for start, end in itertools.pairwise(edges))
    sent += mask.finish()
    assert len(sent) == len(text)
    assert sent.startswith(before)
    assert sent.endswith(after)
    assert secret[: SEEN_BYTES + 1] not in sent
    assert secret[SEEN_BYTES:] not in sent


def test_a_secret_that_ends_the_stream_is_masked() -> None:
    """Its last byte could begin a longer spelling: it is held, and must not come out as it is."""
    mask = Mask((b"ends-with-\\",), DUMMY)
    sent = mask.feed(b"x ends-with-\\") + mask.finish()
    assert b"ends-with" not in sent


def test_a_mask_does_not_stall_a_conversation() -> None:
    mask = Mask((b"Secret-0123456789",), DUMMY)
    assert mask.feed(b"hello S") == b"hello S"
    assert mask.feed(b"ecret") == b"ecret"
    assert mask.feed(b"-0123") == b""
    assert mask.feed(b"!") == b"-0123!"
