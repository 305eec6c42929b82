"""People of a cluster: a kubeconfig each, with one role in one namespace."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.cluster.stage.platform import Platform


@dataclass
class Person:
    """Somebody with one role. Commands of theirs may fail: the caller judges."""

    platform: Platform
    kubeconfig: Path
    namespace: str

    def kubectl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl as this person, in the namespace."""
        program = self.platform.cluster.part("kubectl")
        return subprocess.run(
            [program, "--kubeconfig", str(self.kubeconfig), "-n", self.namespace, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def pai(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `pai` as this person, with contexts of their own, in the namespace."""
        env = {"KUBECONFIG": str(self.kubeconfig), "PAI_HOME": str(self.kubeconfig.parent)}
        return self.platform.pai(*words, check=False, env=env)

    def everything(self) -> str:
        """Return all that this person can list in the namespace, with its managed fields."""
        words = ("api-resources", "--namespaced", "--verbs=list", "-o", "name")
        kinds = self.platform.kubectl(*words).split()
        found = self.kubectl("get", ",".join(kinds), "-o", "yaml", "--show-managed-fields")
        return found.stdout


def person(platform: Platform, directory: Path, name: str, role: str, namespace: str) -> Person:
    """Make somebody with a ClusterRole in a namespace; a kubeconfig with a token, logged in."""
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
    platform.kubectl("create", "serviceaccount", name, "-n", namespace)
    platform.kubectl("apply", "-f", "-", stdin=json.dumps(binding))
    token = platform.kubectl("create", "token", name, "-n", namespace).strip()
    home = directory / name
    home.mkdir()
    document: dict[str, Any] = yaml.safe_load(platform.cluster.kubeconfig.read_text())
    [entry] = document["contexts"]
    entry["context"].update(user=name, namespace=namespace)
    document["users"] = [{"name": name, "user": {"token": token}}]
    file = home / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    made = Person(platform, file, namespace)
    platform.wait("rights", lambda: made.pai("login", "--kubernetes").returncode == 0, 20)
    return made
