"""Layers with byte code, made in a bare directory tree and kept in the cache."""

import contextlib
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

from scripts.cache import cache, digest_of
from scripts.image_content import Layer, base_digest, base_tar, wheels
from scripts.images import RECIPES, Recipe
from scripts.kubernetes.archive import Image
from scripts.kubernetes.failure import ClusterError

KEPT_SECONDS = 3600
LOCKS = ("dataplane.txt", "platform.txt", "quickstart.txt")
# In memory and in mounts of its own: quick, and gone by itself. The base's own Python compiles, and
# byte code is never compared with its source, as times of files are lost in a layer.
_COMPILE = """
mount -t tmpfs tmpfs "$1"
tar -xf "$2" -C "$1"
tar -xf "$3" -C "$1"
chroot "$1" python3 -m compileall -q --invalidation-mode unchecked-hash "$4"
cd "$1"
find ".$4" -name "*.pyc" -print0 | sort -z | tar --null -T - -cf "$5"
"""


def fetch() -> None:
    """Have in the cache what layers are made of and what needs a network. Raises as they do."""
    base_tar()
    for lock in LOCKS:
        wheels(lock)


def pod_images() -> list[Image]:
    """Return every image of ours, with its layers in the cache."""
    return [pod_image(name, recipe) for name, recipe in RECIPES.items()]


def pod_image(name: str, recipe: Recipe) -> Image:
    """Return one image. Raises ClusterError, CalledProcessError."""
    layers = (
        compiled(f"{name}-{number}", layer, recipe.compiled)
        for number, layer in enumerate(recipe.layers())
    )
    changes = ('CMD ["python3"]', *recipe.changes)
    return Image(recipe.image, (base_tar(), *layers), changes)


def compiled(name: str, layer: Layer, directory: str) -> Path:
    """Return the tar of a layer with its byte code.

    directory: absolute; what is below it is compiled. Raises ClusterError.
    """
    digest = digest_of(part.encode() for part in (layer.digest(), base_digest(), _COMPILE))
    tar = cache() / f"layer-{name}-{digest}.tar"
    if tar.exists():
        return tar
    print(f"· layer {name}", flush=True)
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        add_byte_code(layer, directory, Path(work))
        fresh = Path(work) / "layer.tar"
        fresh.write_bytes(layer.tar())
        fresh.rename(tar)
    _forget(name)
    return tar


def _forget(name: str) -> None:
    """Remove older layers of a name; another cluster may be reading one of the last hour."""
    for tar in cache().glob(f"layer-{name}-*.tar"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - tar.stat().st_mtime > KEPT_SECONDS:
                tar.unlink()


def add_byte_code(layer: Layer, directory: str, work: Path) -> None:
    """Add to the layer what the base's own Python makes of it. Raises ClusterError."""
    root, plain, made = work / "root", work / "plain.tar", work / "made.tar"
    root.mkdir()
    plain.write_bytes(layer.tar())
    words = ["unshare", "--mount", "sh", "-euc", _COMPILE, "sh"]
    done = subprocess.run([*words, root, base_tar(), plain, directory, made], check=False)
    if done.returncode:
        raise ClusterError(f"{directory} can't be compiled (above)")
    with tarfile.open(made) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if content:
                layer.content(entry.name.removeprefix("./"), content.read())
