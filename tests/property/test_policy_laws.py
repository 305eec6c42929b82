import re
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from pai.ir.provider import HttpRule, Policy, Scope
from pai.policy.engine import Facts, Rules
from pai.policy.globs import name_glob, path_glob
from pai.policy.paths import normalise

small = st.text(alphabet="ab/", max_size=8)
patterns = st.lists(st.sampled_from(["a", "b", "/", "*", "**"]), max_size=7).map("".join)
paths = st.lists(st.text(alphabet=string.ascii_lowercase + "%.-", min_size=1, max_size=5)).map(
    lambda parts: "/" + "/".join(parts)
)
actions = st.sampled_from(["get", "post", "delete", "unknown:GET", "contents:read"])
globs = st.sampled_from(["*", "get", "p*", "contents:*", "unknown:*", "x"])
http_rules = st.builds(
    HttpRule,
    st.sampled_from(["allow", "deny"]),
    st.sampled_from([(), ("GET",), ("POST", "DELETE")]),
    st.sampled_from([(), ("/a/**",), ("/b",)]),
)


def reference(pattern: str) -> re.Pattern[str]:
    """The same language as a regular expression, written the slow and obvious way."""
    out = ""
    rest = pattern[:-1] if len(pattern) > 1 and pattern.endswith("/") else pattern
    while rest:
        if rest == "/**" or rest.startswith("/**/"):
            out, rest = out + "(?:/.*)?", rest[3:]
        elif rest.startswith("**"):
            out, rest = out + ".*", rest.lstrip("*")
        elif rest.startswith("*"):
            out, rest = out + "[^/]*", rest[1:]
        else:
            out, rest = out + re.escape(rest[0]), rest[1:]
    return re.compile(out)


@settings(max_examples=300)
@given(pattern=patterns, text=small)
def test_path_globs_agree_with_the_reference(pattern: str, text: str) -> None:
    path = text[:-1] if len(text) > 1 and text.endswith("/") else text
    assert path_glob(pattern)(text) is (reference(pattern).fullmatch(path) is not None)


@settings(max_examples=200)
@given(pattern=patterns, text=small)
def test_name_globs_agree_with_the_reference(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert name_glob(pattern)(text) is (re.fullmatch(expression, text) is not None)


@given(raw=st.binary(max_size=40).map(lambda tail: b"/" + tail))
def test_a_normal_form_is_its_own_normal_form(raw: bytes) -> None:
    path, fault = normalise(raw)
    assert (path is None) is (fault is not None)
    if path is not None:
        assert normalise(path.encode("ascii")) == (path, None)
        assert not {".", ".."} & set(path.split("/"))
        assert "//" not in path
        assert "%2F" not in path


@given(
    path=st.text(alphabet=string.ascii_letters + "~-_", min_size=1, max_size=10),
    chosen=st.sets(st.integers(0, 9)),
)
def test_escaping_unreserved_letters_changes_nothing(path: str, chosen: set[int]) -> None:
    spelled = "".join(
        f"%{ord(char):02x}" if index in chosen else char for index, char in enumerate(path)
    )
    assert normalise(b"/" + spelled.encode()).path == "/" + path


@given(
    allow=st.lists(globs, max_size=3).map(tuple),
    deny=st.lists(globs, max_size=3).map(tuple),
    rules=st.lists(http_rules, max_size=3).map(tuple),
    action=actions,
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.sampled_from(["/a/x", "/b", "/c"]),
)
def test_adding_a_denial_never_opens_anything(
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    rules: tuple[HttpRule, ...],
    action: str,
    method: str,
    path: str,
) -> None:
    facts = Facts(method, path, (action,))

    def passes(policy: Policy) -> bool:
        return Rules(policy, Scope(), "enforce").decide(facts).passes

    before = passes(Policy(allow, deny, rules))
    assert not passes(Policy((), deny, rules))
    assert passes(Policy(allow, (*deny, "get"), rules)) <= before
    assert passes(Policy(allow, deny, (HttpRule("deny", (method,)), *rules))) is False
    assert Rules(Policy(allow, deny, rules), Scope(), "audit").decide(facts).passes
