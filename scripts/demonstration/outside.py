"""The demo's outside world: the scripted model server and the notes service, as processes."""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from scripts.demonstration.certificates import issue
from scripts.demonstration.failure import DemoError

ROOT = Path(__file__).resolve().parents[2]
NOTES_HOST = "notes.pai-demo.example"
LLM_PORT, NOTES_PORT = 18001, 18443
WAIT_SECONDS = 10


class Outside:
    """Both servers; their keys, logs and process ids are in `directory` (0700)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        issue(NOTES_HOST, directory)

    @property
    def ca_file(self) -> Path:
        """The test authority that the notes service is certified by."""
        return self.directory / "ca.pem"

    def key(self, name: str) -> str:
        """Return the key of one server, made up on first use and kept at mode 0600."""
        file = self.directory / f"{name}.key"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24))
        return file.read_text()

    def start_scripted_llm(self) -> str:
        """Start the scripted model server unless it runs; return its base URL."""
        self.key("llm")
        script = ROOT / "examples" / "scripted_llm" / "server.py"
        words = [
            str(script),
            "--port",
            str(LLM_PORT),
            "--key-file",
            str(self.directory / "llm.key"),
        ]
        self._start("scripted-llm", words, ("127.0.0.1", LLM_PORT))
        return f"http://127.0.0.1:{LLM_PORT}/v1"

    def start_notes(self, address: str) -> str:
        """Start the notes service on the containers' bridge; return where it is, `ip:port`."""
        self.key("notes")
        words = [str(ROOT / "examples" / "outside_service" / "server.py")]
        words += ["--address", address, "--port", str(NOTES_PORT)]
        words += ["--certificate", str(self.directory / "server.pem")]
        words += ["--key", str(self.directory / "server.key")]
        words += ["--token-file", str(self.directory / "notes.key")]
        self._start("notes", words, (address, NOTES_PORT))
        return f"{address}:{NOTES_PORT}"

    def stop(self) -> list[str]:
        """End both servers and return the names of those that ran."""
        ended = []
        for file in sorted(self.directory.glob("*.pid")):
            words = file.read_text().split("\n")
            if _runs(int(words[0]), words[1:]):
                os.kill(int(words[0]), signal.SIGTERM)
                ended.append(file.stem)
            file.unlink()
        return ended

    def _start(self, name: str, words: list[str], address: tuple[str, int]) -> None:
        """Start a server in a session of its own, so that it outlives the demo."""
        file = self.directory / f"{name}.pid"
        if file.exists():
            known = file.read_text().split("\n")
            if known[1:] == words and _runs(int(known[0]), words):
                return
            if _runs(int(known[0]), known[1:]):
                os.kill(int(known[0]), signal.SIGTERM)
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        file.write_text("\n".join([str(process.pid), *words]))
        deadline = time.monotonic() + WAIT_SECONDS
        # Asked of its log: a bridge's address can't be dialled before the first container is there.
        while f" on {address[0]}:{address[1]}" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                file.unlink()
                last = log.read_text().strip().splitlines()[-1:] or ["no output"]
                raise DemoError(f"{name} does not listen on {address[0]}:{address[1]}: {last[0]}")
            time.sleep(0.05)


def _runs(pid: int, words: list[str]) -> bool:
    """Say whether that process is still the one we started, and no other with its number."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return False
    return command[1 : 1 + len(words)] == words
