"""The instance's certificate authority: its key stays in `DATA/ca`, leaves go to sidecars.

Source: RFC 5280. Leaves live 7 days and are renewed at half; one leaf per agent and set of hosts
is used until then, also across restarts.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pai.store.instance_key import write_private

CONTROL_NAME = "control.pai.internal"
GATEWAY_NAME = "gateway.pai.internal"
LEAF_LIFE = timedelta(days=7)
_CA_LIFE = timedelta(days=3650)
_SKEW = timedelta(hours=1)  # a container's clock may be a little behind


class Leaf(NamedTuple):
    """A certificate and its key, PEM."""

    cert_pem: str
    key_pem: str


class Authority:
    """Signs leaves for this instance."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._leaves = directory / "leaves"
        self._now = now
        self._key, self._certificate = _load_or_create(directory, now())
        self.ca_pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        self._cache: dict[str, tuple[datetime, Leaf]] = {}

    def leaf(self, owner: str, hosts: Iterable[str]) -> Leaf:
        """Return the leaf of `owner` (an agent's uid) for exactly these hosts.

        The same one until half its life is over. hosts: lower-case names, also `*.suffix`.
        """
        names = _names(owner, hosts)
        file = self._file(owner, names)
        cached = self._cache.get(file.name) or _read(file)
        if cached is None or self._now() >= cached[0]:
            leaf = self._sign(names)
            write_private(file, (leaf.key_pem + leaf.cert_pem).encode())
            cached = (_renewal(leaf.cert_pem), leaf)
        self._cache[file.name] = cached
        return cached[1]

    def leaf_file(self, owner: str, hosts: Iterable[str]) -> Path:
        """Return the file that holds key and certificate of a leaf, made or renewed if need be."""
        names = tuple(hosts)
        self.leaf(owner, names)
        return self._file(owner, _names(owner, names))

    def forget(self, owner: str) -> None:
        """Remove the leaves of an agent that is gone."""
        for file in self._leaves.glob(f"{owner}-*.pem"):
            self._cache.pop(file.name, None)
            file.unlink(missing_ok=True)

    def _file(self, owner: str, names: list[str]) -> Path:
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
        return self._leaves / f"{owner}-{digest}.pem"

    def _sign(self, names: list[str]) -> Leaf:
        now = self._now()
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = (
            _builder(self._certificate.subject, names[0], key.public_key())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(alternatives, critical=False)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        return Leaf(certificate.public_bytes(serialization.Encoding.PEM).decode(), _pem(key))


def _names(owner: str, hosts: Iterable[str]) -> list[str]:
    return sorted(set(hosts)) or [f"{owner}.invalid"]


def new_authority(now: datetime) -> bytes:
    """Return the key and certificate of a new authority as one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _ca_certificate(key, now)
    return _pem(key).encode() + certificate.public_bytes(serialization.Encoding.PEM)


def _load_or_create(
    directory: Path, now: datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    # Key and certificate are one file, so that a crash never leaves a pair that does not match.
    file = directory / "ca.pem"
    if not file.exists():
        write_private(file, new_authority(now))
    content = file.read_bytes()
    loaded = serialization.load_pem_private_key(content, password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file.name}: not an elliptic curve key")
    return loaded, x509.load_pem_x509_certificate(content)


def _ca_certificate(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Pai instance CA")])
    everything = [
        x509.IPAddress(ipaddress.ip_network("0.0.0.0/0")),
        x509.IPAddress(ipaddress.ip_network("::/0")),
    ]
    builder = (
        _builder(subject, "Pai instance CA", key.public_key())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # Names only: this CA can never vouch for an address.
        .add_extension(x509.NameConstraints(None, everything), critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def _builder(
    issuer: x509.Name, name: str, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    common = x509.NameAttribute(NameOID.COMMON_NAME, name[:64])
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(x509.Name([common]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _read(file: Path) -> tuple[datetime, Leaf] | None:
    if not file.exists():
        return None
    key_pem, mark, rest = file.read_text().partition("-----BEGIN CERTIFICATE-----")
    return (_renewal(mark + rest), Leaf(mark + rest, key_pem))


def _renewal(cert_pem: str) -> datetime:
    certificate = x509.load_pem_x509_certificate(cert_pem.encode())
    return certificate.not_valid_after_utc - LEAF_LIFE / 2


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
