"""TLS contexts, and the names a ClientHello carries. Keys never touch a disk."""

import os
import ssl

from pai.wire.hello import NEED_MORE, NOT_TLS, ClientHello, peek_client_hello

__all__ = [
    "NEED_MORE",
    "NOT_TLS",
    "ClientHello",
    "client_context",
    "peek_client_hello",
    "server_context",
]


def client_context(extra_ca_pem: str = "") -> ssl.SSLContext:
    """Return a context that verifies upstreams: system roots and `extra_ca_pem`, TLS 1.2 up."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if extra_ca_pem.strip():
        context.load_verify_locations(cadata=extra_ca_pem)
    context.set_alpn_protocols(["http/1.1"])
    return context


def only_ca_context(ca_pem: str) -> ssl.SSLContext:
    """Return a context that trusts `ca_pem` and no system root."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca_pem)
    context.set_alpn_protocols(["http/1.1"])
    return context


def server_context(cert_pem: str, key_pem: str) -> ssl.SSLContext:
    """Return a context that serves `cert_pem` (leaf first) with `key_pem`; TLS 1.2 up.

    Raises ssl.SSLError when the two don't belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    # OpenSSL loads keys from a path alone; a memory file has one that nothing else can open
    with open(os.memfd_create("pai-tls", os.MFD_CLOEXEC), "wb") as memory:
        memory.write(f"{cert_pem.rstrip()}\n{key_pem}".encode())
        memory.flush()
        context.load_cert_chain(f"/proc/self/fd/{memory.fileno()}")
    return context
