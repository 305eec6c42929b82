"""Files for a container, as a tar archive."""

import io
import tarfile

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
