from pai.wire.bucket import Bucket


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    now = [100.0]
    bucket = Bucket(2.0, 3.0, lambda: now[0])
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    now[0] += 1.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] += 1000.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
