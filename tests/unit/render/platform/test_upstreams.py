import pytest

from pai.errors import SpecError
from pai.render.platform.upstreams import check_authorities, static_hosts
from pai.wire.dns.resolver import Resolver

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "place", ["10.1.2.3", "10.1.2.3:8443", "fd00::1", "[fd00::1]", "[fd00::1]:65535"]
)
def test_what_is_taken_is_what_the_resolver_reads(place: str) -> None:
    found = static_hosts([f"git.corp.example={place}"])
    assert found == {"git.corp.example": place}
    assert Resolver([], found).static("git.corp.example") is not None


@pytest.mark.parametrize(
    "entry",
    ["", "name", "name=", "=10.0.0.1", "Name=10.0.0.1", "name=host", "name=10.0.0.1:0",
     "name=10.0.0.1:65536", "name=10.0.0.1:", "name=fe80::1%eth0", "a b=10.0.0.1"],
)  # fmt: skip
def test_anything_else_is_refused(entry: str) -> None:
    with pytest.raises(SpecError, match="staticHosts"):
        static_hosts([entry])


def test_authorities_are_certificates_and_no_keys() -> None:
    check_authorities("")
    check_authorities(CERTIFICATE)
    with pytest.raises(SpecError, match="no certificate"):
        check_authorities("text")
    with pytest.raises(SpecError, match="private key") as caught:
        check_authorities(CERTIFICATE + "-----BEGIN PRIVATE KEY-----\nsecret")
    assert "secret" not in str(caught.value)
