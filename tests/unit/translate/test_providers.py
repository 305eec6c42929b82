"""Defaults of provider types, and where an MCP server's host comes from."""

import pytest

from pai.api.provider import AUTH_TYPES, Provider
from pai.api.validation import validate
from pai.errors import RefNotFoundError
from pai.ir import provider as ir
from pai.translate.provider_types import PROVIDER_TYPES, default_auth_type
from pai.translate.providers import translate_provider


def translated(**spec: object) -> ir.Provider:
    data = {"apiVersion": "pai.io/v1", "kind": "Provider", "metadata": {"name": "p"}, "spec": spec}
    resource = validate(data)
    assert isinstance(resource, Provider)
    result = translate_provider(resource, {"s": ["token"]})
    assert not isinstance(result, RefNotFoundError)
    return result


def test_every_type_has_defaults() -> None:
    assert set(PROVIDER_TYPES) == set(AUTH_TYPES)


@pytest.mark.parametrize("kind", ["github", "telegram", "slack", "aws", "gcp", "azure"])
def test_a_type_brings_hosts_and_a_variable(kind: str) -> None:
    provider = translated(type=kind)
    assert provider.hosts
    assert provider.env_var
    assert provider.auth_type == AUTH_TYPES[kind][0]  # type: ignore[index]


def test_what_is_written_wins() -> None:
    provider = translated(
        type="github", host="git.example.com", auth={"secretRef": "s", "agentEnvVar": "GH"}
    )
    assert provider.hosts == ("git.example.com",)
    assert (provider.env_var, provider.secret) == ("GH", ir.SecretRef("s", "token"))


def test_http_token_defaults() -> None:
    provider = translated(type="http-token", host="a.b")
    assert (provider.header, provider.prefix, provider.param) == ("Authorization", "Bearer ", None)
    assert (provider.auth_type, provider.env_var) == ("api-key", None)
    assert default_auth_type("http-token") == "api-key"
    bare = translated(type="http-token", host="a.b", auth={"header": "X-Key", "prefix": ""})
    assert (bare.header, bare.prefix) == ("X-Key", "")


def test_the_host_of_an_mcp_server_is_in_its_url() -> None:
    assert translated(type="mcp", mcp={"url": "https://M.example.com:8443/sse"}).hosts == (
        "m.example.com",
    )
    assert translated(type="mcp", mcp={"transport": "stdio", "command": ["x"]}).hosts == ()


def test_no_policy_is_not_an_empty_one() -> None:
    assert translated(type="github").policy is None
    assert translated(type="github", policy={}).policy == ir.Policy()
