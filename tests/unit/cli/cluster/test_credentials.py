"""Every way to prove who one is, against a client that only listens."""

import base64
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.cli.cluster.kubeconfigs import kubeconfig

from pai.cli.cluster.credentials import ClusterAuth, Credentials, tls_context
from pai.cli.cluster.kubeconfig import target
from pai.cli.cluster.plugin import VERSIONS
from pai.cli.failures import CommandError

Users = Callable[[dict[str, Any]], Credentials]

PLUGIN = """\
import json, os, pathlib, sys
told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert told["kind"] == "ExecCredential" and told["spec"]["interactive"] is False
count = pathlib.Path(sys.argv[1])
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
status = {"token": f"{os.environ['PREFIX']}-{number}"}
print(json.dumps({"apiVersion": told["apiVersion"], "kind": "ExecCredential", "status": status}))
"""


@pytest.fixture
def user(tmp_path: Path) -> Users:
    """Credentials of a kubeconfig with such a user."""

    def make(entry: dict[str, Any]) -> Credentials:
        return Credentials(target([kubeconfig(tmp_path / "k", user=entry)], None))

    return make


def plugin(tmp_path: Path, script: str = PLUGIN, version: str = VERSIONS[0]) -> dict[str, Any]:
    (tmp_path / "plugin.py").write_text(script)
    return {
        "exec": {
            "apiVersion": version,
            "command": sys.executable,
            "args": [str(tmp_path / "plugin.py"), str(tmp_path / "count")],
            "env": [{"name": "PREFIX", "value": "given"}],
            "interactiveMode": "Never",
        }
    }


def sent(credentials: Credentials, statuses: list[int]) -> list[str | None]:
    """Return the headers of the requests that one call makes."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(statuses[len(seen) - 1])

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, auth=ClusterAuth(credentials)) as http:
        http.get("https://k8s.example")
    return seen


def test_a_token_and_a_name_with_a_password(user: Users) -> None:
    assert sent(user({"token": "t"}), [401]) == ["Bearer t"]
    pair = base64.b64encode(b"a:b").decode()
    assert sent(user({"username": "a", "password": "b"}), [200]) == [f"Basic {pair}"]
    assert sent(user({}), [200]) == [None]


def test_a_token_file_is_read_again_after_a_refusal(user: Users, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    credentials = user({"tokenFile": "token"})
    assert sent(credentials, [200]) == ["Bearer one"]
    assert sent(credentials, [401, 401]) == ["Bearer one", "Bearer one"]
    (tmp_path / "token").unlink()
    with pytest.raises(CommandError, match="tokenFile"):
        sent(credentials, [200])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plugin_is_asked_once_and_again_after_a_refusal(
    user: Users, tmp_path: Path, version: str
) -> None:
    credentials = user(plugin(tmp_path, version=version))
    assert sent(credentials, [200]) == ["Bearer given-1"]
    assert sent(credentials, [401, 200]) == ["Bearer given-1", "Bearer given-2"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "ended with 3"),
        ("print('hunter2')", "no credential"),
        ('print(\'{"status": {"expirationTimestamp": "hunter2"}}\')', "no credential"),
    ],
)
def test_a_plugin_that_fails_is_told_without_its_output(
    user: Users, tmp_path: Path, script: str, said: str
) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        user(plugin(tmp_path, script)).authorization()
    assert "hunter2" not in caught.value.message


def test_a_plugin_that_is_not_there_or_too_old_is_named(user: Users, tmp_path: Path) -> None:
    entry = {"apiVersion": VERSIONS[0], "command": "no-such-plugin", "installHint": "get\nit"}
    with pytest.raises(CommandError, match="no-such-plugin") as caught:
        user({"exec": entry}).authorization()
    assert caught.value.hint == "get it"
    with pytest.raises(CommandError, match="v1alpha1"):
        user(plugin(tmp_path, version="client.authentication.k8s.io/v1alpha1")).authorization()
    program = tmp_path / "here.sh"
    program.write_text('#!/bin/sh\necho \'{"status": {"token": "near"}}\'\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    entry = {"apiVersion": VERSIONS[0], "command": "./here.sh"}
    assert user({"exec": entry}).authorization() == "Bearer near"


def test_a_plugin_may_give_a_certificate(user: Users, tmp_path: Path) -> None:
    pair = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    credentials = user(plugin(tmp_path, f"print('''{json.dumps({'status': pair})}''')"))
    assert credentials.authorization() is None
    assert credentials.certificate() == (b"CERT", b"KEY")
    assert "KEY" not in repr(credentials.issued())


def test_certificates_are_loaded_and_bad_ones_are_not_quoted(tmp_path: Path) -> None:
    bad = base64.b64encode(b"-----BEGIN PRIVATE KEY-----hunter2").decode()
    user_entry = {"client-certificate-data": bad, "client-key-data": bad}
    found = target([kubeconfig(tmp_path / "k", user=user_entry)], None)
    with pytest.raises(CommandError, match="certificates") as caught:
        tls_context(found, Credentials(found))
    assert "hunter2" not in caught.value.message + (caught.value.hint or "")
    assert caught.value.__cause__ is None
    assert not list(Path("/tmp").glob("pai-*/pair.pem"))


def test_an_unverified_cluster_is_only_what_the_user_asked_for(tmp_path: Path) -> None:
    for insecure in (False, True):
        cluster = {"server": "https://x", "insecure-skip-tls-verify": insecure}
        found = target([kubeconfig(tmp_path / "k", cluster=cluster)], None)
        context = tls_context(found, Credentials(found))
        assert context.check_hostname is not insecure
