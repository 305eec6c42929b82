"""Credential plugins of a kubeconfig (`user.exec`): a program of the user's that gives a token.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pai.cli.failures import CommandError

Json = dict[str, Any]
_GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1")


@dataclass(frozen=True)
class Issued:
    """What a plugin gave: a token, a certificate with its key, or both."""

    token: str | None = field(repr=False)
    certificate_pem: str | None
    key_pem: str | None = field(repr=False)


def ask(plugin: Json, directory: Path) -> Issued:
    """Run the plugin and return its credential; its own messages go to the user's terminal.

    Raises CommandError when it fails, never with what it wrote to standard output.
    """
    version, command = str(plugin.get("apiVersion")), str(plugin.get("command") or "")
    if version not in VERSIONS:
        raise CommandError(
            f"{command}: a credential plugin of {version}", hint=f"one of {', '.join(VERSIONS)}"
        )
    program = str(directory / command) if "/" in command else command
    try:
        done = subprocess.run(
            [program, *(str(part) for part in plugin.get("args") or ())],
            env=_environment(plugin, version),
            stdout=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        hint = " ".join(str(plugin.get("installHint") or "").split()) or None
        raise CommandError(f"{command}: {error.strerror}", hint=hint) from error
    if done.returncode:
        raise CommandError(f"{command}: the credential plugin ended with {done.returncode}")
    return _issued(command, done.stdout)


def _environment(plugin: Json, version: str) -> dict[str, str]:
    given = {str(pair["name"]): str(pair["value"]) for pair in plugin.get("env") or ()}
    mode = plugin.get("interactiveMode", "IfAvailable")
    interactive = mode != "Never" and sys.stdin.isatty()
    spec = {"interactive": interactive}
    told = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    return {**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(told)}


def _issued(command: str, output: bytes) -> Issued:
    try:
        status: Json = json.loads(output)["status"]
        token, certificate = status.get("token"), status.get("clientCertificateData")
        issued = Issued(token, certificate, status.get("clientKeyData"))
    except (ValueError, KeyError, TypeError, AttributeError):
        issued = Issued(None, None, None)
    if not issued.token and not (issued.certificate_pem and issued.key_pem):
        raise CommandError(f"{command}: the credential plugin gave no credential") from None
    return issued
