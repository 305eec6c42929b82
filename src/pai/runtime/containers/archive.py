"""Files on their way into a container, as the tar archive that the engine takes."""

import io
import tarfile
from collections.abc import Iterable

from pai.render.containers import FileSpec

_END_BYTES = 2 * tarfile.BLOCKSIZE


def archive(files: Iterable[tuple[FileSpec, bytes]]) -> bytes:
    """Return a tar archive of regular files with owner and mode; no directories.

    It ends where its end is marked, without the usual padding: Podman's reader leaves there, and
    what is still written to it then fails the call (buildah issue 6573).
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for spec, content in files:
            entry = tarfile.TarInfo(spec.name)
            entry.uid = entry.gid = spec.uid
            entry.mode = spec.mode
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        size = tar.offset + _END_BYTES
    return buffer.getvalue()[:size]
