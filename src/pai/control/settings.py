"""Read `DATA/settings.toml`, and fill in what this machine knows better than a default."""

import ipaddress
from pathlib import Path

import msgspec

from pai.errors import SpecError
from pai.ir.settings import Settings, check_telemetry
from pai.ir.snapshot import Network

_STUB = "127.0.0.53"  # systemd-resolved: its real servers are in another file
_RESOLV = Path("/etc/resolv.conf")
_RESOLV_BEHIND_STUB = Path("/run/systemd/resolve/resolv.conf")
# The machine's own loopback and private ranges; link-local and metadata are never among them.
OWN_RANGES = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
)


def load_settings(file: Path, own_ranges: bool = True) -> Settings:
    """Return the settings of a data directory; a missing file means defaults.

    own_ranges: without `privateUpstreams` in the file, allow the machine's own ranges.
    Raises SpecError with the field and the reason.
    """
    try:
        text = file.read_bytes() if file.exists() else b""
        given = msgspec.toml.decode(text)
        settings = msgspec.toml.decode(text, type=Settings)
        for block in settings.private_upstreams:
            ipaddress.ip_network(block)
        check_telemetry(settings.otlp_endpoint, settings.trace_sample_ratio)
    except SpecError as error:
        raise SpecError(f"{file.name}: {error.message}", hint=error.hint) from error
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise SpecError(f"{file.name}: {error}", hint="see docs/settings.md") from error
    if own_ranges and "privateUpstreams" not in given:
        settings = msgspec.structs.replace(settings, private_upstreams=OWN_RANGES)
    return settings


def machine_nameservers(
    resolv: Path = _RESOLV, behind_stub: Path = _RESOLV_BEHIND_STUB
) -> tuple[str, ...]:
    """Return the DNS servers of this machine, those behind a local stub where there is one."""
    found = _nameservers(resolv)
    if found == (_STUB,):
        return _nameservers(behind_stub) or found
    return found


def network_of(settings: Settings) -> Network:
    """Return how upstreams are found and which are refused. Raises SpecError."""
    extra = ""
    if settings.extra_ca_file:
        try:
            extra = Path(settings.extra_ca_file).read_text()
        except OSError as error:
            raise SpecError(
                f"extraCaFile: {settings.extra_ca_file} can't be read: {error.strerror}"
            ) from error
    return Network(
        nameservers=settings.nameservers or machine_nameservers(),
        private_upstreams=settings.private_upstreams,
        static_hosts=settings.static_hosts,
        extra_ca_pem=extra,
    )


def _nameservers(file: Path) -> tuple[str, ...]:
    if not file.exists():
        return ()
    words = (line.split() for line in file.read_text().splitlines())
    candidates = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    return tuple(address for address in candidates if _is_address(address))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # fe80::1%eth0 means nothing in another network namespace
