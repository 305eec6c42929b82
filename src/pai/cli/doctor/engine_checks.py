"""The container engine: is one there, may we use it, is it new enough, has it our image."""

import os
from collections.abc import Iterator
from pathlib import Path

from pai.cli import engine as engines
from pai.cli.locations import DataDir
from pai.cli.output.doctor import Check
from pai.errors import PaiError
from pai.ir.settings import Settings
from pai.runtime.containers.find import find_socket


def engine(settings: Settings, _: DataDir) -> Iterator[Check]:
    """Check the engine and its socket, and the platform's image in it."""
    try:
        socket = find_socket(settings.engine)
    except PaiError as error:
        advice = error.hint or ""
        yield Check("engine", "FAIL", error.message, f"apt install docker.io, or podman. {advice}")
        return
    refused = _refused(Path(socket))
    if refused:
        yield refused
        return
    try:
        state = engines.look(settings)
    except PaiError as error:
        yield Check("engine", "FAIL", error.message, "start the engine, and look into its log")
        return
    yield _version(state, socket)
    yield _image(settings, state)


def _refused(socket: Path) -> Check | None:
    if not socket.exists():
        return Check("engine", "FAIL", f"{socket} does not exist", "start the engine")
    if os.access(socket, os.R_OK | os.W_OK):
        return None
    advice = f"join the group of {socket} (usermod -aG docker $USER, then log in again)"
    return Check("engine", "FAIL", f"no permission for {socket}", advice)


def _version(state: engines.EngineState, socket: str) -> Check:
    if engines.is_too_old(state.info):
        return Check("engine", "FAIL", engines.too_old(state.info), "install a newer one")
    return Check("engine", "OK", f"{engines.title(state.info)} at {socket}")


def _image(settings: Settings, state: engines.EngineState) -> Check:
    if state.has_image:
        return Check("image", "OK", settings.image)
    found = engines.missing_image(settings, state.info)
    return Check("image", "FAIL", found, engines.image_hint(settings))
