"""The settings page lists every setting, with its default."""

import re
from pathlib import Path

import msgspec

from pai.ir.settings import Settings

ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
PAGE = Path("docs/settings.md").read_text()


def test_every_setting_has_a_row_and_no_row_is_left_over() -> None:
    fields = [field.encode_name for field in msgspec.structs.fields(Settings)]
    assert set(fields) == {row[0] for row in ROW.findall(PAGE)}


def test_plain_defaults_are_the_real_ones() -> None:
    shown = {name: default.strip("`") for name, default, _ in ROW.findall(PAGE)}
    for field in msgspec.structs.fields(Settings):
        if isinstance(field.default, bool | int | float | str):
            assert shown[field.encode_name] == str(field.default).replace("True", "true").replace(
                "False", "false"
            )
