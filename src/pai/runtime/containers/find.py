"""Find the engine's socket: the setting, `DOCKER_HOST`, then the usual places."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from pai.errors import SpecError
from pai.runtime.errors import EngineUnavailableError

_DOCKER = ("/var/run/docker.sock", "/run/docker.sock")
_PODMAN = ("/run/podman/podman.sock",)
_HINT = 'start Docker or `podman system service`, or set engine = "unix:///path/to/socket"'


def find_socket(setting: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the path of the engine's socket. setting: `auto`, `docker`, `podman` or a unix URL.

    Raises SpecError for a setting of another form, EngineUnavailableError when none is there.
    """
    environment = os.environ if environment is None else environment
    if setting.startswith("unix://"):
        return setting.removeprefix("unix://")
    if setting not in {"auto", "docker", "podman"}:
        raise SpecError(
            f"settings.engine: {setting!r} is not an engine",
            hint="auto, docker, podman or unix:///path/to/socket",
        )
    candidates = _candidates(setting, environment)
    for path in candidates:
        if _is_socket(path):
            return path
    looked = ", ".join(candidates)
    raise EngineUnavailableError(f"no container engine found (looked at {looked})", hint=_HINT)


def _candidates(setting: str, environment: Mapping[str, str]) -> list[str]:
    named = environment.get("DOCKER_HOST", "")
    own = [named.removeprefix("unix://")] if named.startswith("unix://") else []
    runtime_directory = environment.get("XDG_RUNTIME_DIR")
    podman = [*_PODMAN]
    if runtime_directory:
        podman.append(f"{runtime_directory}/podman/podman.sock")
    return {
        "auto": [*own, *_DOCKER, *podman],
        "docker": [*own, *_DOCKER],
        "podman": podman,
    }[setting]


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return False
