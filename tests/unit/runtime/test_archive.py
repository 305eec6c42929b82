"""Files for a container, as a tar archive."""

import io
import tarfile

import pytest

from pai.render.containers import FileSpec
from pai.runtime.containers.archive import archive


def test_owner_mode_and_content_are_kept() -> None:
    spec = FileSpec(name="bootstrap.json", uid=65531, mode=0o400, source="x")
    with tarfile.open(fileobj=io.BytesIO(archive([(spec, b"{}")]))) as tar:
        (entry,) = tar.getmembers()
        content = tar.extractfile(entry)
        assert content is not None
        assert content.read() == b"{}"
    assert (entry.name, entry.uid, entry.gid, entry.mode) == ("bootstrap.json", 65531, 65531, 0o400)
    assert entry.isreg()


@pytest.mark.parametrize("size", [0, 1, 511, 512, 9_000, 20_000])
def test_nothing_follows_the_mark_of_its_end(size: int) -> None:
    """Podman answers 500 now and then when there is something its reader does not take."""
    made = archive([(FileSpec(name="a", uid=0, mode=0o600), b"x" * size)])
    assert made.endswith(bytes(1024))
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        [entry] = tar.getmembers()
        assert len(made) == entry.offset_data + -(-size // 512) * 512 + 1024
