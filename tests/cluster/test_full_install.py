"""The whole platform as pods: installed by one command, used through the API server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.cluster.stage.cluster import Cluster
from tests.fakes.documents import agent

SLEEPER = {
    "image": "localhost/pai:latest",
    "command": ["/bin/sleep", "600"],
    "pod": {"terminationGracePeriodSeconds": 1},  # process 1 does not end at SIGTERM by itself
}


@pytest.mark.slow
def test_one_command_installs_a_platform_that_answers(cluster: Cluster, tmp_path: Path) -> None:
    env = {**os.environ, "PAI_HOME": str(tmp_path), "KUBECONFIG": str(cluster.kubeconfig)}

    def pai(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pai.cli", *words],
            input=stdin,
            env={**env, "PYTHONPATH": "src"},
            capture_output=True,
            text=True,
            check=False,
        )

    words = ("--domain", "agents.test", "--chown-volume", "--timeout", "150")
    done = pai("install", "kubernetes", *words)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        doctor = pai("doctor", "-o", "json")
        assert {check["level"] for check in json.loads(doctor.stdout)} == {"OK"}, doctor.stdout
        again = pai("install", "kubernetes", "-o", "json")
        assert {one["result"] for one in json.loads(again.stdout)} == {"unchanged"}
        document = yaml.safe_dump(agent("first", **SLEEPER))
        applied = pai("apply", "-f", "-", "--wait", stdin=document)
        assert applied.returncode == 0, applied.stderr
        said = pai("exec", "first", "--", "/bin/echo", "from inside")
        assert (said.returncode, said.stdout) == (0, "from inside\n")
        assert pai("logs", "first").returncode == 0
    finally:
        gone = pai("uninstall", "kubernetes", "--delete-agents", "--delete-data")
    assert gone.returncode == 0, gone.stderr
