import stat
from pathlib import Path

import pytest

from pai.cli.locations import DataDir, data_dir, home


def test_variables_win_over_the_usual_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAI_HOME", raising=False)
    monkeypatch.delenv("PAI_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".pai"
    assert data_dir().root == tmp_path / ".pai" / "data"
    monkeypatch.setenv("PAI_HOME", "~/mine")
    assert home() == tmp_path / "mine"
    assert data_dir().root == tmp_path / "mine" / "data"
    monkeypatch.setenv("PAI_DATA_DIR", "/srv/pai")
    assert data_dir().root == Path("/srv/pai")


def test_directories_are_private_also_when_they_were_not(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.root.mkdir(mode=0o755)
    data.make()
    data.make()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (data.root, data.run, data.logs)}
    assert modes == {0o700}
