"""Where the engine's socket is looked for."""

import socket
from pathlib import Path

import pytest

from pai.errors import SpecError
from pai.runtime.containers import find_socket
from pai.runtime.errors import EngineUnavailableError


def test_a_url_is_taken_as_it_is() -> None:
    assert find_socket("unix:///some/where.sock", {}) == "/some/where.sock"


def test_docker_host_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        assert find_socket("auto", {"DOCKER_HOST": f"unix://{path}"}) == str(path)


def test_the_users_own_podman_is_found(tmp_path: Path) -> None:
    path = tmp_path / "podman" / "podman.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        found = find_socket("podman", {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert found in {str(path), "/run/podman/podman.sock"}


def test_none_is_an_error_that_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError, match=r"looked at .*podman\.sock") as caught:
        find_socket("podman", {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert caught.value.hint


def test_other_words_are_refused() -> None:
    with pytest.raises(SpecError, match=r"settings\.engine: 'lxc' is not an engine"):
        find_socket("lxc", {})
