import pytest

from pai.policy.paths import normalise


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/a/b", "/a/b"),
        (b"/a/b/", "/a/b/"),
        (b"/%61dmin", "/admin"),
        (b"/%7euser", "/~user"),
        (b"/a%20b", "/a%20b"),
        (b"/a%c3%a9", "/a%C3%A9"),
        (b"/v1/models/m:generate", "/v1/models/m:generate"),
        (b"/100%25", "/100%25"),
        (b"/...", "/..."),
        (b"/a.b/.hidden", "/a.b/.hidden"),
        (b"/%3b", "/%3B"),
    ],
)
def test_paths_with_a_normal_form(raw: bytes, path: str) -> None:
    assert normalise(raw) == (path, None)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "slash"),
        (b"admin", "slash"),
        (b"*", "slash"),
        (b"http://other/", "slash"),
        (b"/a/../b", "dot segment"),
        (b"/a/..", "dot segment"),
        (b"/./a", "dot segment"),
        (b"/a/%2e%2e/b", "dot segment"),
        (b"/a/.%2E/b", "dot segment"),
        (b"/a//b", "empty segment"),
        (b"//a", "empty segment"),
        (b"/a%2fb", "encoded slash"),
        (b"/a%2Fb", "encoded slash"),
        (b"/a%5cb", "encoded backslash"),
        (b"/a\\b", "backslash"),
        (b"/a\x00b", "NUL"),
        (b"/a%00b", "control"),
        (b"/a%0d%0ax", "control"),
        (b"/a%7f", "control"),
        (b"/a%", "broken"),
        (b"/a%2", "broken"),
        (b"/a%zz", "broken"),
        (b"/a%u0041", "broken"),
        (b"/%252e%252e/", "twice"),
        (b"/a%252fb", "twice"),
        (b"/admin;x=1", "path parameter"),
        (b"/..;/admin", "path parameter"),
        (b"/a b", "0x20"),
        (b"/caf\xc3\xa9", "0xC3"),
        (b"/\xc0\xae\xc0\xae/", "0xC0"),
        (b"/a#b", "0x23"),
        (b"/a?b", "0x3F"),
        (b"/" + b"a" * 9000, "longer"),
    ],
)
def test_paths_without_a_normal_form_are_refused(raw: bytes, fault: str) -> None:
    path, found = normalise(raw)
    assert path is None
    assert found is not None
    assert fault in found
