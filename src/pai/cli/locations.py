"""Where things are: the user's own directory and the platform's data directory."""

import os
from dataclasses import dataclass
from pathlib import Path


def home() -> Path:
    """Return the user's directory: $PAI_HOME, else `~/.pai`."""
    given = os.environ.get("PAI_HOME")
    return Path(given).expanduser().absolute() if given else Path.home() / ".pai"


def data_dir() -> "DataDir":
    """Return the platform's data directory: $PAI_DATA_DIR, else `data` in the user's directory."""
    given = os.environ.get("PAI_DATA_DIR")
    return DataDir(Path(given).expanduser().absolute() if given else home() / "data")


@dataclass(frozen=True)
class DataDir:
    """Names of everything in a data directory that the command line touches."""

    root: Path

    @property
    def settings(self) -> Path:
        """Platform settings, TOML."""
        return self.root / "settings.toml"

    @property
    def run(self) -> Path:
        """Sockets, credentials and the pid file; worthless once nothing runs."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.root / "logs"

    @property
    def pid_file(self) -> Path:
        """Held locked by the supervisor; says where it runs."""
        return self.run / "pai.pid"

    @property
    def children(self) -> Path:
        """Pid and start time of every process the supervisor has started."""
        return self.run / "children.json"

    @property
    def api_socket(self) -> Path:
        """Control's public API on a local socket."""
        return self.run / "api.sock"

    @property
    def token_digest(self) -> Path:
        """SHA-256 of the token in the context `local`."""
        return self.run / "api-token.sha256"

    def credential(self, role: str) -> Path:
        """Return the file with the internal credential of `gateway` or `edge`."""
        return self.run / f"{role}.credential"

    def log(self, process: str) -> Path:
        """Return the log file of one process."""
        return self.logs / f"{process}.log"

    def make(self) -> None:
        """Create the directories, readable by their owner alone; safe to call again."""
        for directory in (self.root, self.run, self.logs):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if directory.stat().st_uid == os.getuid():
                directory.chmod(0o700)
