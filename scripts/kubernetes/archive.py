"""Images without an engine: OCI archives, as containerd takes them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from scripts.kubernetes.settings import PAUSE_IMAGE

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PAUSE_PROGRAM = Path("/usr/bin/catatonit")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_OCI = "application/vnd.oci.image"


class Image(NamedTuple):
    """One image. layers: uncompressed tars, lowest first. changes: as in a Dockerfile."""

    name: str
    layers: tuple[Path, ...]
    changes: tuple[str, ...] = ()


class Blob(NamedTuple):
    """Something that is known by its SHA-256; where its bytes are, or they themselves."""

    digest: str
    size: int
    content: Path | bytes

    def described(self, kind: str, **more: object) -> dict[str, Any]:
        """Return how one OCI document refers to this."""
        known = {"mediaType": kind, "digest": f"sha256:{self.digest}", "size": self.size}
        return {**known, **more}


def container_settings(changes: Iterable[str]) -> dict[str, Any]:
    """Return what an image says of its containers. Raises ValueError for an unknown change."""
    settings: dict[str, Any] = {"Env": [f"PATH={PATH}"]}
    for change in changes:
        verb, _, value = change.partition(" ")
        if verb == "ENV":
            settings["Env"].append(value)
        elif verb == "WORKDIR":
            settings["WorkingDir"] = value
        elif verb in ("CMD", "ENTRYPOINT"):
            settings[verb.capitalize()] = json.loads(value)
        else:
            raise ValueError(f"{change!r}: not a change that this knows")
    return settings


def configuration(image: Image, layers: Sequence[Blob], machine: str) -> Blob:
    """Return an image's configuration. machine: as `uname -m` says it."""
    diff_ids = [f"sha256:{layer.digest}" for layer in layers]  # as layers are not compressed
    return blob_of(
        {
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": container_settings(image.changes),
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )


def write_archive(
    images: Sequence[Image], machine: str, out: IO[bytes], known: Collection[Path] = ()
) -> None:
    """Write one archive with all images. known: layers to leave out, as the reader has them.

    Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
    """
    layers = {path: blob_of_file(path) for image in images for path in image.layers}
    blobs = {blob.digest: blob for path, blob in layers.items() if path not in known}
    manifests = []
    for image in images:
        own = [layers[path] for path in image.layers]
        config = configuration(image, own, machine)
        manifest = blob_of(
            {
                "schemaVersion": 2,
                "mediaType": f"{_OCI}.manifest.v1+json",
                "config": config.described(f"{_OCI}.config.v1+json"),
                "layers": [layer.described(f"{_OCI}.layer.v1.tar") for layer in own],
            }
        )
        blobs |= {config.digest: config, manifest.digest: manifest}
        name = {"io.containerd.image.name": image.name}
        manifests.append(manifest.described(f"{_OCI}.manifest.v1+json", annotations=name))
    with tarfile.open(fileobj=out, mode="w|") as archive:
        add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        for blob in blobs.values():
            add(archive, f"blobs/sha256/{blob.digest}", blob.content)
        index = {"schemaVersion": 2, "manifests": manifests}
        add(archive, "index.json", json.dumps(index).encode())


def add(archive: tarfile.TarFile, name: str, content: Path | bytes, mode: int = 0o644) -> None:
    """Put a file into a tar."""
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if isinstance(content, bytes):
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        return
    entry.size = content.stat().st_size
    with content.open("rb") as file:
        archive.addfile(entry, file)


def blob_of(document: dict[str, Any]) -> Blob:
    """Return a JSON document as a blob."""
    content = json.dumps(document, sort_keys=True).encode()
    return Blob(hashlib.sha256(content).hexdigest(), len(content), content)


def blob_of_file(path: Path) -> Blob:
    """Return a file as a blob."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Blob(digest, path.stat().st_size, path)


def pause_image(directory: Path) -> Image:
    """Return the image of a pod's sandbox: one static program that waits and reaps."""
    layer = directory / "pause.tar"
    with tarfile.open(layer, "w") as archive:
        add(archive, "pause", PAUSE_PROGRAM.read_bytes(), 0o755)
    return Image(PAUSE_IMAGE, (layer,), ('ENTRYPOINT ["/pause", "-P"]',))
