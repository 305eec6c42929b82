import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

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
