import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.cli.settings_file import keep, with_values
from pai.errors import SpecError

WRITTEN = """\
# mine
apiPort = 9000  # why
image = "x"

[staticHosts]
apiPort = "10.0.0.1"
"""


def test_a_value_is_replaced_and_everything_else_stays() -> None:
    assert with_values(WRITTEN, {"apiPort": 9001, "public": True}) == (
        '# mine\napiPort = 9001\nimage = "x"\n\npublic = true\n[staticHosts]\n'
        'apiPort = "10.0.0.1"\n'
    )


values = st.dictionaries(
    st.sampled_from(["apiPort", "edgePort", "public", "engine"]),
    st.integers(1, 65535) | st.booleans() | st.text(st.characters(codec="ascii"), max_size=20),
)


@given(values, values)
def test_what_was_set_is_read_back(
    first: dict[str, int | bool | str], second: dict[str, int | bool | str]
) -> None:
    text = with_values(with_values(WRITTEN, first), second)
    document = tomllib.loads(text)
    before = {"apiPort": 9000, "image": "x", "staticHosts": {"apiPort": "10.0.0.1"}}
    assert document == before | first | second
    assert with_values(text, second) == text


def test_the_file_is_made_when_there_is_something_to_keep(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    keep(file, {})
    assert not file.exists()
    keep(file, {"apiPort": 9001})
    assert file.read_text() == "apiPort = 9001\n"


def test_wrong_settings_are_refused_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("nonsense = 1\n")
    with pytest.raises(SpecError, match="nonsense"):
        keep(file, {"apiPort": 9001})
    assert file.read_text() == "nonsense = 1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.toml"]
