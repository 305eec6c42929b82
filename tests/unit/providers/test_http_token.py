import json

import pytest

from pai.ir.provider import Provider, SecretRef
from pai.providers.http_token import HttpToken
from pai.providers.plugin import CredentialError, secret_of
from pai.providers.request import Headers, Outgoing, Refusal, Request

TOKEN = "real/token+1"


def provider(
    header: str = "Authorization", prefix: str = "Bearer ", param: str | None = None
) -> Provider:
    return Provider(
        name="weather", type="http-token", hosts=("api.weather.test",), auth_type="api-key",
        secret=SecretRef("weather", "token"), header=header, prefix=prefix, param=param,
    )  # fmt: skip


def request(query: bytes = b"", headers: Headers | None = None, method: str = "GET") -> Request:
    return Request(method, "api.weather.test", "/v1/now", query, headers or [])


def inject(chosen: Provider, asked: Request, secret: str = TOKEN) -> Outgoing:
    return HttpToken().inject(chosen, secret, asked)


def test_the_action_is_the_method_in_lower_case() -> None:
    resolved = HttpToken().resolve(provider(), request(method="PATCH"))
    assert resolved.actions == ("patch",)
    assert resolved.resources == {}


def test_the_token_goes_into_the_default_header() -> None:
    out = inject(provider(), request(b"q=x", [(b"accept", b"*/*")]))
    assert out.target == b"/v1/now?q=x"
    assert out.headers == [(b"accept", b"*/*"), (b"authorization", b"Bearer real/token+1")]


def test_header_and_prefix_can_be_chosen() -> None:
    out = inject(provider("X-Api-Key", ""), request(headers=[(b"x-api-key", b"mine")]))
    assert out.headers == [(b"x-api-key", TOKEN.encode())]


def test_every_credential_header_of_the_agent_is_taken_out() -> None:
    headers = [
        (b"authorization", b"Bearer mine"),
        (b"authorization", b"Basic bWluZQ=="),
        (b"proxy-authorization", b"Basic bWluZQ=="),
        (b"x-api-key", b"mine"),
        (b"x-other", b"kept"),
    ]
    out = inject(provider("X-Api-Key", ""), request(headers=headers))
    assert out.headers == [(b"x-other", b"kept"), (b"x-api-key", TOKEN.encode())]


def test_the_token_goes_into_the_parameter_escaped() -> None:
    out = inject(provider(param="key"), request(b"q=x", [(b"authorization", b"mine")]))
    assert out.target == b"/v1/now?q=x&key=real%2Ftoken%2B1"
    assert out.headers == []


@pytest.mark.parametrize(
    "query",
    [
        b"key=mine",
        b"key=a&key=b",
        b"KEY=mine",
        b"%6bey=mine",
        b"k%65y=mine&key",
        b"key[]=mine",
        b"key%5B0%5D=mine",
        b"+key=mine",
        b"key=",
    ],
)
def test_the_agents_own_parameter_is_taken_out_however_it_is_spelled(query: bytes) -> None:
    out = inject(provider(param="key"), request(query))
    assert out.target == b"/v1/now?key=real%2Ftoken%2B1"


def test_a_parameter_behind_a_semicolon_is_taken_out_too() -> None:
    out = inject(provider(param="key"), request(b"a=1;key=mine&b=2"))
    assert out.target == b"/v1/now?a=1&b=2&key=real%2Ftoken%2B1"


def test_other_parameters_stay_byte_for_byte() -> None:
    query = b"a=%zz&&b=%2f;c&keys=1&monkey=2"
    assert inject(provider(), request(query)).target == b"/v1/now?" + query
    out = inject(provider(param="key"), request(query))
    assert out.target == b"/v1/now?" + query + b"&key=real%2Ftoken%2B1"


@pytest.mark.parametrize("secret", ["a\r\nx-evil: 1", "a\nb", "a\x00b", "snow\u2603"])
def test_a_token_that_would_split_the_header_block_is_refused(secret: str) -> None:
    with pytest.raises(CredentialError) as caught:
        inject(provider(), request(), secret)
    assert "evil" not in str(caught.value)
    assert "snow" not in str(caught.value)


@pytest.mark.parametrize("header", ["Bad Header", "x:y", "", "x\r\ny"])
def test_a_header_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(CredentialError, match=r"auth\.header"):
        inject(provider(header), request())


def test_the_secret_is_the_entry_that_the_provider_names() -> None:
    assert secret_of(provider(), {"token": " abc\n", "other": "x"}) == "abc"


@pytest.mark.parametrize("credential", [{}, {"other": "hush-hush"}, {"token": " \n"}])
def test_a_missing_entry_is_an_error_without_values(credential: dict[str, str]) -> None:
    with pytest.raises(CredentialError, match="no value under key 'token'") as caught:
        secret_of(provider(), credential)
    assert "hush" not in str(caught.value)


def test_a_refusal_tells_rule_and_reason() -> None:
    answer = HttpToken().deny(Refusal("weather", "delete", "", "policy.deny: delete", "no"))
    assert answer.status == 403
    assert dict(answer.headers)[b"content-type"] == b"application/json"
    assert json.loads(answer.body) == {
        "error": {
            "code": "policy_denied",
            "message": "no",
            "provider": "weather",
            "action": "delete",
            "resource": "",
            "rule": "policy.deny: delete",
        }
    }
