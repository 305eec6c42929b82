"""Image references and the progress of a pull."""

import pytest

from pai.runtime.containers.images import Layers, split_reference


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("python", "docker.io/library/python", "latest"),
        ("python:3.12", "docker.io/library/python", "3.12"),
        ("acme/agent:1", "docker.io/acme/agent", "1"),
        ("localhost/base", "localhost/base", "latest"),
        ("localhost:5000/base:2", "localhost:5000/base", "2"),
        ("ghcr.io/a/b@sha256:00", "ghcr.io/a/b", "sha256:00"),
        ("ghcr.io/a/b:1@sha256:00", "ghcr.io/a/b", "sha256:00"),
    ],
)
def test_references_are_completed(image: str, name: str, tag: str) -> None:
    assert split_reference(image) == (name, tag)


def test_progress_sums_the_layers() -> None:
    layers = Layers()
    assert layers.feed({"status": "Pulling from x"}) == "Pulling from x"
    note = {"status": "Downloading", "id": "a", "progressDetail": {"current": 1e6, "total": 4e6}}
    assert layers.feed(note) == "1 of 4 MB"
    assert layers.feed({**note, "id": "b"}) == "2 of 8 MB"
    assert layers.feed({"status": "Extracting", "id": "a"}) == "2 of 8 MB"
