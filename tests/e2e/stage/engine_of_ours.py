"""A Docker of the test's own, which it may stop and start as it likes."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass
class OwnDocker:
    """`dockerd` with everything in `home`. It leaves the machine's packet rules alone."""

    home: Path
    process: "subprocess.Popen[bytes] | None" = None
    sockets: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pai-own-")))

    @property
    def url(self) -> str:
        """Where it listens; a socket's path must be short."""
        return f"unix://{self.sockets}/docker.sock"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = ["dockerd", "--data-root", str(self.home / "data")]
        command += ["--exec-root", str(self.sockets / "exec"), "--pidfile", str(self.home / "pid")]
        command += ["--bridge", "none", "--iptables=false", "--host", self.url]
        command += ["--default-address-pool", "base=10.214.0.0/16,size=24"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, self.last_words()
            assert time.monotonic() < end, self.last_words()
            time.sleep(0.2)

    def answers(self) -> bool:
        """Say whether it answers now."""
        program = [sys.executable, str(ROOT / "scripts" / "engine_ping.py"), self.url]
        return subprocess.run(program, check=False).returncode == 0

    def build_images(self) -> None:
        """Put Pai's images into it."""
        program = [sys.executable, "-m", "scripts.images", "--engine", self.url]
        subprocess.run(program, cwd=ROOT, check=True, capture_output=True)

    def stop(self) -> None:
        """Stop it in order; its containers end with it."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    def last_words(self) -> str:
        """Return the end of its log."""
        return (self.home / "log").read_text()[-2000:]

    def remove(self) -> None:
        """Stop it and remove all it had."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        for path in (self.home, self.sockets):
            _unmount_below(path)
            shutil.rmtree(path, ignore_errors=True)


def _unmount_below(path: Path) -> None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        point = line.split()[1]
        if point.startswith(f"{path}{os.sep}"):
            subprocess.run(["umount", "-l", point], check=False)
