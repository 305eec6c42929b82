"""The cluster's own authorities, certificates and kubeconfigs; good for a month of tests."""

import datetime
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from scripts.kubernetes.place import API_PORT, FIRST_SERVICE_IP, NODE, NODE_IP, Place

from pai.clock import utc_now

VALID = datetime.timedelta(days=30)


class Leaf(NamedTuple):
    """One certificate to issue. names: DNS names and addresses."""

    file: str
    common_name: str
    organization: str = ""
    names: tuple[str, ...] = ()
    authority: str = "ca"


SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
LEAVES = (
    Leaf(
        "apiserver", "kube-apiserver", "", (*SERVER_NAMES, "127.0.0.1", FIRST_SERVICE_IP, NODE_IP)
    ),
    Leaf("admin", "admin", "system:masters"),
    Leaf("controllers", "system:kube-controller-manager"),
    Leaf("scheduler", "system:kube-scheduler"),
    Leaf("proxy", "system:kube-proxy"),
    Leaf("kubelet", f"system:node:{NODE}", "system:nodes", (NODE, "127.0.0.1", NODE_IP)),
    Leaf("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
)
USERS = ("admin", "controllers", "scheduler", "proxy", "kubelet")


def issue_all(place: Place) -> None:
    """Write every authority, certificate, key and kubeconfig."""
    place.pki.mkdir(parents=True, mode=0o700)
    authorities = {name: _authority(place.pki, name) for name in ("ca", "front-proxy-ca")}
    for leaf in LEAVES:
        _issue(place.pki, leaf, *authorities[leaf.authority])
    signer = ec.generate_private_key(ec.SECP256R1())
    _write_key(place.pki / "service-accounts.key", signer)
    (place.pki / "service-accounts.pub").write_bytes(
        signer.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    for user in USERS:
        path = place.kubeconfig(user)
        path.touch(mode=0o600)
        path.write_text(kubeconfig(place, user))


def kubeconfig(place: Place, user: str) -> str:
    """Return a kubeconfig (JSON is YAML) that names the files of a user."""
    cluster = {
        "server": f"https://127.0.0.1:{place.port(API_PORT)}",
        "certificate-authority": str(place.pki / "ca.crt"),
    }
    identity = {
        "client-certificate": str(place.pki / f"{user}.crt"),
        "client-key": str(place.pki / f"{user}.key"),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }
    return json.dumps(document, indent=1)


def _authority(pki: Path, name: str) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {name}")])
    made = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (pki / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    _write_key(pki / f"{name}.key", key)
    return subject, key


def _issue(pki: Path, leaf: Leaf, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    both = ((NameOID.ORGANIZATION_NAME, leaf.organization), (NameOID.COMMON_NAME, leaf.common_name))
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in both if value])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(subject, issuer, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    )
    if leaf.names:
        builder = builder.add_extension(_alternatives(leaf.names), critical=False)
    made = builder.sign(signer, hashes.SHA256())
    (pki / f"{leaf.file}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    _write_key(pki / f"{leaf.file}.key", key)


def _alternatives(names: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return names and addresses as what they are."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(found)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = utc_now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
    )
