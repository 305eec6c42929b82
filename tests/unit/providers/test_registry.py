import pytest

from pai.ir.provider import Provider
from pai.providers.pending import PENDING_TYPES
from pai.providers.plugin import CredentialError
from pai.providers.registry import plugin_for, served_types
from pai.providers.request import Refusal, Request


def test_http_token_is_served() -> None:
    assert served_types() == ("http-token",)
    assert plugin_for("http-token").served


@pytest.mark.parametrize("name", [*PENDING_TYPES, "no-such-type"])
def test_every_other_type_fails_closed(name: str) -> None:
    plugin = plugin_for(name)
    provider = Provider(name="p", type=name, hosts=("h",), auth_type="x", secret=None)
    request = Request("GET", "h", "/", b"", [])
    assert not plugin.served
    assert plugin.resolve(provider, request).actions == ("unknown:GET",)
    with pytest.raises(CredentialError, match="not served yet"):
        plugin.inject(provider, "secret", request)
    assert plugin.deny(Refusal("p", "a", "r", "rule", "m")).status == 403
