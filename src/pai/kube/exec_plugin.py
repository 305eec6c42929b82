"""Credentials from a program that a kubeconfig names, as `aws eks get-token` and its like.

lightkube knows only the beta versions of this protocol, and asks for a token again only after a
401; a plugin's answer says how long it lasts.
Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2
import msgspec
from lightkube.config.models import Cluster, UserExec

from pai.kube.errors import KubeConfigError

_VERSIONS = frozenset({"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"})
_SECONDS = 60.0
_EARLY = timedelta(seconds=30)
_STDERR_LENGTH = 400
_UNAUTHORIZED = 401


class ExecPlugin(httpx2.Auth):
    """Bearer tokens of one plugin, kept until they end or are refused."""

    def __init__(self, plugin: UserExec, cluster: Cluster, now: Callable[[], datetime]) -> None:
        if plugin.apiVersion not in _VERSIONS:
            raise KubeConfigError(
                f"users[].user.exec.apiVersion: {plugin.apiVersion!r} is not supported",
                hint="client.authentication.k8s.io/v1 is; update the plugin's kubeconfig entry",
            )
        self._plugin = plugin
        self._cluster = cluster
        self._now = now
        self._token = ""
        self._until: datetime | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send the request with a token; once more with a new one after a 401."""
        token = await self._valid_token(refused="")
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == _UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._valid_token(refused=token)}"
            yield request

    async def _valid_token(self, refused: str) -> str:
        async with self._lock:  # many calls at once must not start many programs
            ended = self._until is not None and self._now() + _EARLY >= self._until
            if not self._token or ended or self._token == refused:
                status = await self._run()
                self._token, self._until = _token_of(self._plugin.command, status)
            return self._token

    async def _run(self) -> Mapping[str, Any]:
        """Run the program and return `status` of the credential it prints."""
        command = self._plugin.command
        try:
            process = await asyncio.create_subprocess_exec(
                command,
                *(self._plugin.args or ()),
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            hint = self._plugin.installHint or f"is {command} installed and on the PATH?"
            raise KubeConfigError(
                f"the kubeconfig's credential program {command} can't be started", hint
            ) from error
        try:
            async with asyncio.timeout(_SECONDS):
                output, complaint = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise KubeConfigError(f"{command} gave no credential in {_SECONDS:.0f} s") from None
        if process.returncode:
            text = " ".join(complaint.decode(errors="replace").split())[:_STDERR_LENGTH]
            raise KubeConfigError(f"{command} ended with {process.returncode}: {text}")
        return _status_of(command, output)

    def _environment(self) -> dict[str, str]:
        cluster = {
            "server": self._cluster.server,
            "certificate-authority-data": self._cluster.certificate_auth_data,
            "insecure-skip-tls-verify": self._cluster.insecure,
        }
        info = {
            "apiVersion": self._plugin.apiVersion,
            "kind": "ExecCredential",
            "spec": {"interactive": False, "cluster": cluster},
        }
        own = {pair.name: pair.value for pair in self._plugin.env or ()}
        return {**os.environ, **own, "KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}


def _status_of(command: str, output: bytes) -> Mapping[str, Any]:
    try:
        status = msgspec.json.decode(output)["status"]
        if isinstance(status, dict):
            return status
    except (msgspec.DecodeError, LookupError, TypeError):
        pass
    raise KubeConfigError(f"{command} printed no credential")  # its output may hold half of one


def _token_of(command: str, status: Mapping[str, Any]) -> tuple[str, datetime | None]:
    token = status.get("token")
    if not token or not isinstance(token, str):
        raise KubeConfigError(
            f"{command} gave no token",
            hint="a plugin that gives client certificates is not supported",
        )
    ends = status.get("expirationTimestamp")
    return token, datetime.fromisoformat(str(ends)) if ends else None
