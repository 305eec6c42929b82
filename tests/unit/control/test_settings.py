from pathlib import Path

import pytest

from pai.control.settings import OWN_RANGES, load_settings, machine_nameservers, network_of
from pai.errors import SpecError
from pai.ir.settings import Settings


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return file


def test_a_missing_file_means_defaults_and_the_machines_own_ranges(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "settings.toml")
    assert settings == Settings(private_upstreams=OWN_RANGES)
    assert load_settings(tmp_path / "settings.toml", own_ranges=False) == Settings()


def test_what_is_written_counts_also_when_it_is_empty(tmp_path: Path) -> None:
    file = write(tmp_path, 'apiPort = 1234\nprivateUpstreams = []\nstaticHosts = {a = "b"}\n')
    settings = load_settings(file)
    assert (settings.api_port, settings.private_upstreams) == (1234, ())
    assert settings.static_hosts == {"a": "b"}


@pytest.mark.parametrize(
    "text",
    [
        *("apiPort = 'x'", "apiprt = 1", "apiPort", 'privateUpstreams = ["10.0.0.1/8"]', "\x00"),
        *("otlpEndpoint = 'collector:4318'", "otlpEndpoint = 'http://'", "traceSampleRatio = 1.5"),
        *("otlpEndpoint = 'http://x:99999'", "otlpEndpoint = 'http://x/ y'"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match=r"settings\.toml: "):
        load_settings(write(tmp_path, text))


def test_a_collector_s_url_that_is_refused_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="otlpEndpoint") as caught:
        load_settings(write(tmp_path, "otlpEndpoint = 'https://user:canary@x'"))
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"
    good = load_settings(write(tmp_path, "otlpEndpoint = 'https://x:4318/otlp'"))
    assert (good.otlp_endpoint, good.trace_sample_ratio) == ("https://x:4318/otlp", 1.0)


def test_own_ranges_never_hold_link_local_or_metadata() -> None:
    import ipaddress

    networks = [ipaddress.ip_network(block) for block in OWN_RANGES]
    for address in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200", "8.8.8.8"):
        held = any(ipaddress.ip_address(address) in network for network in networks)
        assert held == (address == "fd00:ec2::254"), address  # that one `pai.wire.guard` refuses


def test_nameservers_behind_a_local_stub(tmp_path: Path) -> None:
    stub, real = tmp_path / "resolv.conf", tmp_path / "real.conf"
    stub.write_text("# comment\nnameserver 127.0.0.53\noptions edns0\n")
    real.write_text("nameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\n")
    assert machine_nameservers(stub, real) == ("10.0.0.2", "2001:db8::1")
    assert machine_nameservers(stub, tmp_path / "none") == ("127.0.0.53",)
    assert machine_nameservers(real, stub) == ("10.0.0.2", "2001:db8::1")
    assert machine_nameservers(tmp_path / "none", stub) == ()


def test_the_network_of_the_settings(tmp_path: Path) -> None:
    extra = write(tmp_path, "PEM")
    network = network_of(Settings(nameservers=("192.0.2.1",), extra_ca_file=str(extra)))
    assert (network.nameservers, network.extra_ca_pem) == (("192.0.2.1",), "PEM")
    with pytest.raises(SpecError, match="extraCaFile"):
        network_of(Settings(extra_ca_file=str(tmp_path / "none")))
