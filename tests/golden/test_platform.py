"""One folder a case: options.json, and the objects of that platform. A new case needs no code."""

from pathlib import Path

import msgspec
import pytest
from tests.golden.conftest import Golden

from pai.api import dump_all_yaml
from pai.render.platform import Options, render_platform

CASES = Path(__file__).parent / "platform"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_every_platform_renders_as_recorded(case: Path, golden: Golden) -> None:
    options = msgspec.json.decode((case / "options.json").read_bytes(), type=Options)
    golden.check(case / "out.yaml", dump_all_yaml(list(render_platform(options))))
