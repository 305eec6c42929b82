"""Files on their way into a container, as the tar archive that the engine takes."""

import io
import tarfile
from collections.abc import Iterable

from pai.render.containers import FileSpec


def archive(files: Iterable[tuple[FileSpec, bytes]]) -> bytes:
    """Return a tar archive of regular files with owner and mode; no directories."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for spec, content in files:
            entry = tarfile.TarInfo(spec.name)
            entry.uid = entry.gid = spec.uid
            entry.mode = spec.mode
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
