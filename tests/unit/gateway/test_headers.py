from pai.gateway.headers import client_headers, upstream_headers
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
    assert upstream_headers(sent, b"Bearer real") == [
        *sent[-3:],
        (b"accept-encoding", b"identity"),
        (b"authorization", b"Bearer real"),
    ]
    assert b"authorization" not in dict(upstream_headers(sent, None))


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
