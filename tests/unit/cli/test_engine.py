from pathlib import Path

import pytest
from tests.fakes.engine_api import serve

from pai.cli.engine import check_engine, look
from pai.cli.failures import CommandError
from pai.errors import TransientError
from pai.ir.settings import Settings


@pytest.mark.parametrize(
    ("version", "works"),
    [
        ("20.10.24+dfsg1", True),
        ("20.10.0", True),
        ("27.3.1", True),
        ("20.9.9", False),
        ("19.03.15", False),
        ("dev", True),
    ],
)
def test_old_engines_are_refused(version: str, works: bool, tmp_path: Path) -> None:
    with serve(tmp_path / "e.sock") as engine:
        engine.version = version
        settings = Settings(engine=engine.url)
        assert look(settings).info.version == version
        if works:
            assert check_engine(settings).has_image
        else:
            with pytest.raises(CommandError, match=r"is too old; 20\.10 is the oldest"):
                check_engine(settings)


def test_a_missing_image_says_how_to_get_it(tmp_path: Path) -> None:
    with serve(tmp_path / "e.sock") as engine:
        settings = Settings(engine=engine.url, image="registry.example/pai:2")
        with pytest.raises(CommandError) as caught:
            check_engine(settings)
    assert "registry.example/pai:2" in caught.value.message
    assert caught.value.hint is not None
    assert "make setup" in caught.value.hint


def test_a_socket_nobody_listens_on(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="does not answer"):
        look(Settings(engine=f"unix://{tmp_path}/e.sock"))
