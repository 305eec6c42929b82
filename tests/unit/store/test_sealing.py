import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.store.errors import KeyMismatchError
from pai.store.instance_key import InstanceKey
from pai.store.sealing import Sealer

sealer = Sealer(InstanceKey(b"k" * 32))
places = st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))


@given(value=st.text(), place=places)
def test_what_is_sealed_opens_at_its_place(value: str, place: tuple[str, str, str]) -> None:
    sealed = sealer.seal(value, *place)
    assert sealer.open(sealed, *place) == value
    assert sealer.seal(value, *place) != sealed
    if len(value.encode()) > 3:
        assert value.encode() not in sealed


@given(place=places, other=places)
def test_a_sealed_value_does_not_open_elsewhere(
    place: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    sealed = sealer.seal("value", *place)
    if place == other:
        assert sealer.open(sealed, *other) == "value"
        return
    with pytest.raises(KeyMismatchError) as refused:
        sealer.open(sealed, *other)
    assert "value" not in str(refused.value)


@given(position=st.integers(0, 33), flip=st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, flip: int) -> None:
    sealed = bytearray(sealer.seal("value", "a", "b"))
    sealed[position % len(sealed)] ^= flip
    with pytest.raises(KeyMismatchError):
        sealer.open(bytes(sealed), "a", "b")


def test_another_key_does_not_open() -> None:
    other = Sealer(InstanceKey(b"l" * 32))
    with pytest.raises(KeyMismatchError):
        other.open(sealer.seal("value", "a"), "a")
    assert other.check_value != sealer.check_value
    with pytest.raises(KeyMismatchError):
        sealer.open(b"", "a")
