"""Images as archives, and the store that saves unpacking them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection
from pathlib import Path

import pytest
from scripts.kubernetes.archive import Image, container_settings, write_archive
from scripts.kubernetes.image_store import link


def written(images: list[Image], known: Collection[Path] = ()) -> dict[str, bytes]:
    out = io.BytesIO()
    write_archive(images, "x86_64", out, known)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        opened = ((entry.name, archive.extractfile(entry)) for entry in archive)
        return {name: file.read() for name, file in opened if file}


def layer(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_every_blob_is_named_by_its_digest_and_is_in_once(tmp_path: Path) -> None:
    base, code = layer(tmp_path / "base", b"base"), layer(tmp_path / "code", b"code")
    files = written([Image("localhost/a:1", (base,)), Image("localhost/b:1", (base, code))])
    blobs = {name: content for name, content in files.items() if name.startswith("blobs/")}
    assert all(
        name.removeprefix("blobs/sha256/") == hashlib.sha256(content).hexdigest()
        for name, content in blobs.items()
    )
    assert len(blobs) == 2 + 2 * 2  # layers; configuration and manifest of each
    index = json.loads(files["index.json"])
    names = [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]]
    assert names == ["localhost/a:1", "localhost/b:1"]


def test_a_known_layer_is_referred_to_and_left_out(tmp_path: Path) -> None:
    base, code = layer(tmp_path / "base", b"base"), layer(tmp_path / "code", b"code")
    image = Image("localhost/a:1", (base, code), ("WORKDIR /app",))
    whole, part = written([image]), written([image], {base})
    assert whole["index.json"] == part["index.json"]
    assert [content for name, content in whole.items() if name not in part] == [b"base"]


def test_changes_are_those_of_a_dockerfile() -> None:
    told = container_settings(('CMD ["a"]', "ENV X=1 2", "WORKDIR /app", 'CMD ["b", "c"]'))
    assert told["Cmd"] == ["b", "c"] and told["WorkingDir"] == "/app"
    assert told["Env"][1:] == ["X=1 2"] and told["Env"][0].startswith("PATH=")
    with pytest.raises(ValueError, match="USER"):
        container_settings(["USER 1"])


def test_a_store_is_linked_where_it_is_read_and_copied_where_it_is_written(tmp_path: Path) -> None:
    store, target = tmp_path / "store", tmp_path / "containerd"
    blob = Path("io.containerd.content.v1.content/blobs/sha256/abc")
    snapshot = Path("io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/etc")
    metadata = Path("io.containerd.snapshotter.v1.overlayfs/metadata.db")
    names = Path("io.containerd.metadata.v1.bolt/meta.db")
    for file in (blob, snapshot, metadata, names):
        (store / file).parent.mkdir(parents=True, exist_ok=True)
        (store / file).write_text("stored")
    link(store, target)
    assert (target / blob).is_symlink() and (target / snapshot).read_text() == "stored"
    for own in (metadata, names):
        (target / own).write_text("changed")
        assert (store / own).read_text() == "stored"
