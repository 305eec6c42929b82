from pai.gateway.headers import (
    advice_left_out,
    client_headers,
    translated_headers,
    upstream_headers,
)
from pai.providers.redact import Redactor


def test_no_credential_of_the_agent_leaves() -> None:
    sent = [
        (b"authorization", b"Bearer agent"),
        (b"cookie", b"a=b"),
        (b"x-api-key", b"k"),
        (b"api-key", b"k"),
        (b"x-goog-api-key", b"k"),
        (b"openai-organization", b"org"),
        (b"x-forwarded-host", b"evil"),
        (b"x-http-method-override", b"DELETE"),
        (b"x-pai-anything", b"1"),
        (b"accept-encoding", b"gzip"),
        (b"content-type", b"application/json"),
        (b"x-stainless-lang", b"python"),
        (b"user-agent", b"OpenAI/Python"),
    ]
    key = [(b"authorization", b"Bearer real")]
    assert upstream_headers(sent, key, []) == [
        *sent[-3:],
        (b"accept-encoding", b"identity"),
        (b"authorization", b"Bearer real"),
    ]
    assert b"authorization" not in dict(upstream_headers(sent, [], []))
    assert b"authorization" not in dict(translated_headers(sent, [], []))


def test_a_default_counts_only_where_the_client_said_nothing() -> None:
    default = [(b"anthropic-version", b"old")]
    said = (b"anthropic-version", b"new")
    assert upstream_headers([said], [], default)[0] == said
    assert (b"anthropic-version", b"old") not in upstream_headers([said], [], default)
    assert (b"anthropic-version", b"old") in upstream_headers([], [], default)


def test_a_translated_request_says_little_of_its_client() -> None:
    sent = [
        (b"user-agent", b"SDK"),
        (b"anthropic-beta", b"x"),
        (b"anthropic-version", b"y"),
        (b"x-stainless-lang", b"python"),
        (b"content-type", b"text/plain"),
    ]
    found = translated_headers(sent, [(b"x-api-key", b"k")], [(b"anthropic-version", b"v")])
    assert found == [
        (b"user-agent", b"SDK"),
        (b"content-type", b"application/json"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"identity"),
        (b"anthropic-version", b"v"),
        (b"x-api-key", b"k"),
    ]
    assert advice_left_out(sent) == ["anthropic-beta"]


def test_the_vendors_key_cookies_and_account_stay_behind() -> None:
    got = [
        (b"content-type", b"application/json"),
        (b"x-echo", b"Bearer sk-real-key-1"),
        (b"set-cookie", b"a=b"),
        (b"openai-organization", b"acme"),
        (b"x-pai-model", b"forged"),
        (b"retry-after", b"3"),
        (b"x-sk-real-key-1", b"name"),
    ]
    own = [(b"x-pai-model", b"main")]
    passed = client_headers(got, Redactor((b"sk-real-key-1",), b"dummy"), own)
    assert passed == [
        (b"content-type", b"application/json"),
        (b"x-echo", b"Bearer dummy"),
        (b"retry-after", b"3"),
        (b"x-pai-model", b"main"),
    ]
    assert client_headers(got[:2], None, own) == [*got[:2], *own]
