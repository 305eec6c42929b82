"""Pure reasoning about paths."""

from pai.api.paths import outermost, overlaps, parent, within


def test_a_path_lies_within_itself_and_its_parents() -> None:
    assert within("/a/b", "/a")
    assert within("/a", "/a")
    assert within("/a", "/")
    assert not within("/ab", "/a")
    assert overlaps("/a", "/a/b")
    assert not overlaps("/a", "/ab")


def test_parents() -> None:
    assert parent("/a/b") == "/a"
    assert parent("/a") == "/"


def test_outermost_keeps_what_lies_in_nothing_else() -> None:
    assert outermost(["/a/b", "/a", "/a-b", "/c/d", "/c/d"]) == ["/a", "/a-b", "/c/d"]
    assert outermost([]) == []
