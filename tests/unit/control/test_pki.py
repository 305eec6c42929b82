import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from pai.control.pki import LEAF_LIFE, Authority

HOSTS = ["api.notes.test", "*.notes.test"]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.fromtimestamp(datetime.now(UTC).timestamp(), UTC)  # noqa: TID251

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_leaf_per_agent_and_hosts_also_over_restarts(tmp_path: Path, clock: Clock) -> None:
    authority = Authority(tmp_path, clock)
    leaf = authority.leaf("uid-1", HOSTS)
    assert authority.leaf("uid-1", reversed(HOSTS)) == leaf
    assert authority.leaf("uid-2", HOSTS) != leaf
    assert authority.leaf("uid-1", HOSTS[:1]) != leaf
    again = Authority(tmp_path, clock)
    assert again.ca_pem == authority.ca_pem
    assert again.leaf("uid-1", HOSTS) == leaf


def test_leaves_are_renewed_at_half_their_life(tmp_path: Path, clock: Clock) -> None:
    authority = Authority(tmp_path, clock)
    leaf = authority.leaf("uid", HOSTS)
    clock.now += LEAF_LIFE / 2 - timedelta(minutes=1)
    assert authority.leaf("uid", HOSTS) == leaf
    clock.now += timedelta(minutes=2)
    renewed = authority.leaf("uid", HOSTS)
    assert renewed != leaf
    assert authority.leaf("uid", HOSTS) == renewed


def test_an_agents_leaves_go_with_it(tmp_path: Path, clock: Clock) -> None:
    authority = Authority(tmp_path, clock)
    file = authority.leaf_file("uid", HOSTS)
    kept = authority.leaf_file("uid2", HOSTS)
    authority.forget("uid")
    assert not file.exists() and kept.exists()


def test_keys_are_private_files(tmp_path: Path, clock: Clock) -> None:
    authority = Authority(tmp_path / "ca", clock)
    leaf = authority.leaf_file("uid", HOSTS)
    for file in (tmp_path / "ca" / "ca.pem", leaf):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_the_authority_may_sign(tmp_path: Path, clock: Clock) -> None:
    authority = Authority(tmp_path, clock)
    ca = x509.load_pem_x509_certificate(authority.ca_pem.encode())
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0
    names = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert names.critical and len(names.value.excluded_subtrees or []) == 2
    assert "PRIVATE" not in authority.ca_pem
    leaf = x509.load_pem_x509_certificate(authority.leaf("uid", HOSTS).cert_pem.encode())
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc - clock.now <= LEAF_LIFE
    sans = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(sans.get_values_for_type(x509.DNSName)) == sorted(HOSTS)


@pytest.mark.parametrize(
    ("name", "trusted"), [("api.notes.test", True), ("x.notes.test", True), ("evil.test", False)]
)
def test_a_client_that_trusts_the_authority(
    tmp_path: Path, clock: Clock, name: str, trusted: bool
) -> None:
    authority = Authority(tmp_path, clock)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(authority.leaf_file("uid", HOSTS))
    client = ssl.create_default_context(cadata=authority.ca_pem)
    ours, other = socket.socketpair()
    thread = threading.Thread(target=_serve, args=(server, other))
    thread.start()
    try:
        if trusted:
            with client.wrap_socket(ours, server_hostname=name) as tls:
                assert tls.recv(2) == b"hi"
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                client.wrap_socket(ours, server_hostname=name)
    finally:
        ours.close()
        thread.join()


def _serve(context: ssl.SSLContext, sock: socket.socket) -> None:
    try:
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.sendall(b"hi")
    except (ssl.SSLError, OSError):
        sock.close()
