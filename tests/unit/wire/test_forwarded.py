"""What is said about a client is ours to say."""

from pai.wire.forwarded import vouched
from pai.wire.message import RequestHead


def test_claims_are_replaced_and_the_rest_is_kept() -> None:
    head = RequestHead()
    head.headers = [
        (b"host", b"Bot.Example:8090"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"forwarded", b"for=1.2.3.4"),
        (b"x-real-ip", b"1.2.3.4"),
        (b"x-forwarded-port", b"1"),
        (b"x-pai-edge", b"guess"),
        (b"x-pai-anything", b"guess"),
        (b"x-mine", b"1"),
    ]
    assert vouched(head, "9.9.9.9", b"https") == [
        (b"host", b"Bot.Example:8090"),
        (b"x-mine", b"1"),
        (b"x-forwarded-for", b"9.9.9.9"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"Bot.Example:8090"),
    ]
