"""What proves a user to an API server: a certificate, a token, a plugin, a name and a password."""

import base64
import ssl
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx

from pai.cli.cluster.kubeconfig import Target
from pai.cli.cluster.plugin import Issued, ask
from pai.cli.failures import CommandError


class Credentials:
    """One user's credential; `renew` asks for another where that can help."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._issued: Issued | None = None
        self._asked = False

    def authorization(self) -> str | None:
        """Return the header's value, or None when a certificate says it all."""
        user = self._target.user
        if user.get("tokenFile"):
            return f"Bearer {self._token_file()}"
        if user.get("token"):
            return f"Bearer {user['token']}"
        issued = self.issued()
        if issued:
            return f"Bearer {issued.token}" if issued.token else None
        if user.get("username") and user.get("password"):
            pair = f"{user['username']}:{user['password']}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return None

    def issued(self) -> Issued | None:
        """Return what the plugin gives, asked for once; None without a plugin."""
        plugin = self._target.user.get("exec")
        if plugin and not self._asked:
            self._issued = ask(plugin, self._target.directory)
            self._asked = True
        return self._issued

    def renew(self) -> bool:
        """Forget what the plugin gave; say whether another try can go better."""
        user = self._target.user
        again = bool(user.get("tokenFile") or user.get("exec"))
        self._asked, self._issued = False, None
        return again

    def certificate(self) -> tuple[bytes, bytes] | None:
        """Return the client's certificate and key, PEM; None without one."""
        issued = self.issued()
        if issued and issued.certificate_pem and issued.key_pem:
            return issued.certificate_pem.encode(), issued.key_pem.encode()
        user, target = self._target.user, self._target
        certificate = target.content(user, "client-certificate")
        key = target.content(user, "client-key")
        return (certificate, key) if certificate and key else None

    def _token_file(self) -> str:
        path = self._target.directory / str(self._target.user["tokenFile"])
        try:
            return path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise CommandError(f"tokenFile: {path} can't be read") from error


class ClusterAuth(httpx.Auth):
    """Puts the credential on each request, and tries once more with a new one after a 401."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request with its header, again when the answer asks for that."""
        return authorised(self._credentials, request)


def authorised(credentials: Credentials, request: Any) -> Generator[Any, Any, None]:
    """Yield `request`, of whichever HTTP client, with its header; again after a 401."""
    for _ in range(2):
        value = credentials.authorization()
        if value:
            request.headers["authorization"] = value
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED or not credentials.renew():
            return


def tls_context(target: Target, credentials: Credentials) -> ssl.SSLContext:
    """Return how the API server is verified, and the client's certificate where it has one.

    Raises CommandError when what the kubeconfig holds is no certificate.
    """
    try:
        context = ssl.create_default_context(cadata=target.ca_pem)
        if target.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        pair = credentials.certificate()
        if pair:
            _load(context, *pair)
    except (ssl.SSLError, ValueError) as error:
        # The cause is left out: it may hold a key.
        del error
        raise CommandError(
            f"context {target.context}: its certificates can't be used",
            hint="look at certificate-authority, client-certificate and client-key",
        ) from None
    return context


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a pair that may exist in memory alone; ssl wants a file, which lives for a moment."""
    with tempfile.TemporaryDirectory(prefix="pai-") as directory:  # mode 0700
        path = Path(directory) / "pair.pem"
        path.touch(mode=0o600)
        path.write_bytes(certificate + b"\n" + key)
        context.load_cert_chain(path, password="")
