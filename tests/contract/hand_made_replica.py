"""A replica made by hand with plain Engine API calls, to try prepare and the launcher alone."""

import io
import json
import struct
import tarfile
import uuid
from types import TracebackType
from typing import Any, Self

from scripts.engine_api import Engine

IMAGE = "localhost/pai:latest"
ULIMITS = [{"Name": name, "Soft": 4096, "Hard": 4096} for name in ("nofile", "nproc")]


class Ended:
    """How a container ended."""

    def __init__(self, code: int, output: str) -> None:
        self.code, self.output = code, output

    def json(self) -> Any:
        assert self.code == 0, self.output
        return json.loads(self.output)


class HandMade:
    """Containers, volumes and a network of one test; all of it is removed at the end."""

    def __init__(self, url: str) -> None:
        self.engine = Engine(url)
        self.name = f"pai-test-{uuid.uuid4().hex[:8]}"
        self._containers: list[str] = []
        self._volumes: list[str] = []
        self._images: list[str] = []
        body = {"Name": self.name, "Driver": "bridge"}
        self.engine.call("POST", "/networks/create", json=body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.engine:
            for container in reversed(self._containers):
                self.engine.call(
                    "DELETE", f"/containers/{container}", params={"force": "true", "v": "true"}
                )
            for volume in self._volumes:
                self.engine.call("DELETE", f"/volumes/{volume}")
            for image in self._images:
                self.engine.call("DELETE", f"/images/{image}")
            self.engine.call("DELETE", f"/networks/{self.name}")

    def volume(self, name: str) -> str:
        full = f"{self.name}-{name}"
        self.engine.call("POST", "/volumes/create", json={"Name": full})
        self._volumes.append(full)
        return full

    def image(self, name: str, files: dict[str, bytes]) -> str:
        """Import an image that holds nothing but these files."""
        full = f"localhost/{self.name}-{name}:latest"
        repository, _, tag = full.rpartition(":")
        query = {"fromSrc": "-", "repo": repository, "tag": tag, "changes": 'CMD ["/nothing"]'}
        self.engine.call("POST", "/images/create", params=query, content=archive(files))
        self._images.append(full)
        return full

    def create(self, user: int, command: list[str], **host: Any) -> str:
        """Create a container without capabilities; `files` and `image` are taken out of `host`."""
        files: dict[str, bytes] = host.pop("files", {})
        image = host.pop("image", IMAGE)
        settings = {
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "NetworkMode": self.name,
            "Ulimits": ULIMITS,
            **host,
        }
        body = {
            "Image": image,
            "User": f"{user}:{user}",
            "Entrypoint": command,
            "Cmd": [],
            # Docker archives nothing into a read-only root, but into a volume on it.
            "Volumes": {f"/{path.rpartition('/')[0]}": {} for path in files},
            "HostConfig": settings,
        }
        made = self.engine.call("POST", "/containers/create", json=body).json()
        container = str(made["Id"])
        self._containers.append(container)
        for path, content in files.items():
            directory, _, name = path.rpartition("/")
            self.engine.call(
                "PUT",
                f"/containers/{container}/archive",
                params={"path": f"/{directory}"},
                content=archive({name: content}),
            )
        return container

    def start(self, user: int, command: list[str], **host: Any) -> str:
        container = self.create(user, command, **host)
        self.engine.call("POST", f"/containers/{container}/start")
        return container

    def run(self, user: int, command: list[str], **host: Any) -> Ended:
        container = self.start(user, command, **host)
        code = self.engine.call("POST", f"/containers/{container}/wait").json()["StatusCode"]
        return Ended(code, self.output(container))

    def output(self, container: str) -> str:
        query = {"stdout": "true", "stderr": "true"}
        raw = self.engine.call("GET", f"/containers/{container}/logs", params=query).content
        return frames(raw)

    def address(self, container: str) -> str:
        known = self.engine.call("GET", f"/containers/{container}/json").json()
        return str(known["NetworkSettings"]["Networks"][self.name]["IPAddress"])


def frames(raw: bytes) -> str:
    """Join the payloads of the engine's log frames."""
    text = b""
    while len(raw) >= 8:
        (size,) = struct.unpack(">I", raw[4:8])
        text, raw = text + raw[8 : 8 + size], raw[8 + size :]
    return text.decode()


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
