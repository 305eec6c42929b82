"""Build Pai's images in an engine: `python -m scripts.images --engine unix:///…`.

An image whose content did not change is left alone, so a second run takes no time.
"""

import argparse
import sys
import time
from collections.abc import Callable
from subprocess import CalledProcessError
from typing import NamedTuple

from scripts.cache import digest_of
from scripts.engine_api import Engine, EngineCallError
from scripts.image_content import (
    Layer,
    base_digest,
    base_tar,
    control_layers,
    platform_layers,
    quickstart_layers,
)

BASE = "localhost/pai-base:latest"
CONTENT_LABEL = "io.pai.content"
# Said outright: Podman 4.3 swaps soft and hard of its defaults and then can't start anything.
ULIMITS = [{"Name": name, "Soft": 4096, "Hard": 4096} for name in ("nofile", "nproc")]


class Recipe(NamedTuple):
    """One image on top of the base. compiled: directory whose byte code is made in advance."""

    image: str
    layers: Callable[[], tuple[Layer, ...]]
    compiled: str
    changes: tuple[str, ...]


_ON_THE_PATH = (
    "ENV PYTHONPATH=/opt/pai/lib",
    "ENV PYTHONSAFEPATH=1",
    "ENV PYTHONDONTWRITEBYTECODE=1",
)

RECIPES = {
    "pai": Recipe(
        "localhost/pai:latest",
        platform_layers,
        "/opt/pai/lib",
        _ON_THE_PATH,
    ),
    "control": Recipe(
        "localhost/pai-control:latest",
        control_layers,
        "/opt/pai/lib",
        _ON_THE_PATH,
    ),
    "quickstart": Recipe(
        "localhost/pai-quickstart:latest",
        quickstart_layers,
        "/app",
        (
            "ENV PYTHONPATH=/app/lib:/app/agent",
            "ENV PYTHONUNBUFFERED=1",
            "WORKDIR /app",
            'CMD ["python3", "-m", "quickstart_agent"]',
        ),
    ),
}

LOCAL = ("pai", "quickstart")  # what a single machine needs


def build_base(engine: Engine) -> None:
    """Import the Debian base unless the engine has it."""
    digest = base_digest()
    if engine.label(BASE, CONTENT_LABEL) == digest:
        return
    tar = base_tar()
    print(f"· {BASE} into {engine.url} ({tar.stat().st_size >> 20} MB)", flush=True)
    engine.import_tar(tar, BASE, [f"LABEL {CONTENT_LABEL}={digest}"])


def build(engine: Engine, recipe: Recipe) -> None:
    """Put a layer on the base unless the engine has an image of that very content."""
    layers = recipe.layers()
    contents = (layer.digest() for layer in layers)
    parts = (*contents, base_digest(), recipe.compiled, *recipe.changes)
    digest = digest_of(part.encode() for part in parts)
    if engine.label(recipe.image, CONTENT_LABEL) == digest:
        return
    started = time.monotonic()
    replaced = engine.inspect(recipe.image)
    image_id = _commit(engine, recipe, layers, digest)
    if replaced and replaced["Id"].removeprefix("sha256:") != image_id.removeprefix("sha256:"):
        engine.remove_image(replaced["Id"])
    print(f"· {recipe.image} into {engine.url} ({time.monotonic() - started:.1f} s)", flush=True)


def _commit(engine: Engine, recipe: Recipe, layers: tuple[Layer, ...], digest: str) -> str:
    command = ["python3", "-m", "compileall", "-q", "-j", "0", recipe.compiled]
    body = {
        "Image": BASE,
        "Cmd": command,
        "HostConfig": {"NetworkMode": "none", "Ulimits": ULIMITS},
    }
    container = engine.call("POST", "/containers/create", json=body).json()["Id"]
    try:
        place = {"path": "/"}
        for layer in layers:
            path = f"/containers/{container}/archive"
            engine.call("PUT", path, params=place, content=layer.tar())
        engine.call("POST", f"/containers/{container}/start")
        ended = engine.call("POST", f"/containers/{container}/wait").json()
        if ended["StatusCode"] != 0:
            raise EngineCallError(
                f"{recipe.image}: {' '.join(command)}: exit {ended['StatusCode']}"
            )
        repository, _, tag = recipe.image.rpartition(":")
        changes = ['CMD ["python3"]', *recipe.changes, f"LABEL {CONTENT_LABEL}={digest}"]
        query = {"container": container, "repo": repository, "tag": tag, "changes": changes}
        made = engine.call("POST", "/commit", params=query, json={}).json()
        return str(made["Id"])
    finally:
        engine.call("DELETE", f"/containers/{container}", params={"force": "true"})


def main() -> int:
    """Build what is asked for; one line and exit 1 when that can't be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True, help="unix:///path/to/socket")
    parser.add_argument("--only", choices=sorted(RECIPES), help="this image and its base")
    asked = parser.parse_args()
    try:
        with Engine(asked.engine) as engine:
            build_base(engine)
            for name, recipe in RECIPES.items():
                if name == asked.only or (asked.only is None and name in LOCAL):
                    build(engine, recipe)
    except (EngineCallError, CalledProcessError, OSError) as error:
        print(f"error: images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
