"""The node's images: packages unpacked once and kept in the cache, the newest code on top.

To unpack everything takes a quarter of a minute. What seldom changes is therefore linked from a
store in the cache, where containerd only reads, and a cluster adds what differs.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from signal import SIGTERM

from scripts.cache import cache, digest_of
from scripts.kubernetes.archive import PAUSE_PROGRAM, Image, pause_image, write_archive
from scripts.kubernetes.cached import alone
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import Place
from scripts.kubernetes.processes import last_lines, run, start, stop, wait_until

_BLOBS = Path("io.containerd.content.v1.content/blobs/sha256")
_NAMES = Path("io.containerd.metadata.v1.bolt")
_SNAPSHOTTER = Path("io.containerd.snapshotter.v1.overlayfs")


def containerd_client(place: Place) -> list[str]:
    """Return how to speak to the node's containerd."""
    return ["ctr", "--address", str(place.containerd_socket), "--namespace", "k8s.io"]


def start_containerd(place: Place) -> None:
    """Start containerd and wait until it answers. Raises ClusterError."""
    start(place, "containerd")
    words = [*containerd_client(place), "version"]
    wait_until(
        "containerd",
        lambda: subprocess.run(words, capture_output=True, check=False).returncode == 0,
        place.logs / "containerd.log",
    )


def put_packages(place: Place, images: Sequence[Image]) -> None:
    """Lay out containerd's files as if it had unpacked all but the images' code already.

    containerd does not run. Raises ClusterError.
    """
    below = [Image(f"{image.name}-packages", image.layers[:-1]) for image in images]
    tars = sorted({layer.name for image in below for layer in image.layers})
    recipe = [*tars, run("containerd", "--version")]
    parts = [*(part.encode() for part in recipe), PAUSE_PROGRAM.read_bytes()]
    store = cache() / f"node-store-{digest_of(parts)}"
    with alone("node-store"):
        if not store.exists():
            print("· the images' packages for the node (kept in the cache)", flush=True)
            _make(place, below, store)
    link(store, place.containerd)


def _make(place: Place, images: Sequence[Image], store: Path) -> None:
    """Let containerd unpack images once, and keep what it wrote."""
    start_containerd(place)
    try:
        load_images(place, [*images, pause_image(place.root)])
    finally:
        stop(place, "containerd", SIGTERM)
    for old in cache().glob("node-store-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        fresh = Path(work) / "fresh"
        for part in (_BLOBS, _NAMES, _SNAPSHOTTER):
            (fresh / part).parent.mkdir(parents=True, exist_ok=True)
            run("cp", "--archive", str(place.containerd / part), str(fresh / part))
        fresh.rename(store)
    shutil.rmtree(place.containerd)


def link(store: Path, target: Path) -> None:
    """Make containerd's directory of a store: links to what it reads, copies of what it writes."""
    snapshots = _SNAPSHOTTER / "snapshots"
    for directory in (_BLOBS, snapshots):
        (target / directory).mkdir(parents=True)
        for entry in (store / directory).iterdir():
            (target / directory / entry.name).symlink_to(entry)
    shutil.copytree(store / _NAMES, target / _NAMES)
    shutil.copy2(store / _SNAPSHOTTER / "metadata.db", target / _SNAPSHOTTER)


def load_code(place: Place, images: Sequence[Image]) -> None:
    """Give the node images whose packages it has. Raises ClusterError."""
    load_images(place, images, {layer for image in images for layer in image.layers[:-1]})


def load_images(place: Place, images: Sequence[Image], known: Collection[Path] = ()) -> None:
    """Give images to the node without a file in between. Raises ClusterError.

    known: layers that the node has.
    """
    words = [*containerd_client(place), "images", "import", "-"]
    log = place.logs / "import.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=said, stderr=said) as process,
        contextlib.suppress(BrokenPipeError),
    ):
        if process.stdin is None:
            raise ClusterError("no pipe to containerd")
        write_archive(images, os.uname().machine, process.stdin, known)
        process.stdin.close()
    if process.returncode:
        raise ClusterError(f"images can't be loaded: {last_lines(log)}")


def load_archive(place: Place, archive: Path) -> None:
    """Give the node the images of an OCI or Docker archive. Raises ClusterError."""
    run(*containerd_client(place), "images", "import", str(archive))
