"""`engine`: each container engine of PAI_TEST_ENGINES in turn, as (name, url)."""

import os

import pytest

VARIABLE = "PAI_TEST_ENGINES"
WAY_OUT = (
    f"needs container engines: `make test` sets them up, or `scripts/test_engines.sh COMMAND`, "
    f"or set {VARIABLE}=docker=unix:///path,podman=unix:///path"
)


def named_engines(text: str) -> list[tuple[str, str]]:
    """Parse `name=url,name=url`."""
    pairs = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    return [(name.strip(), url.strip()) for name, _, url in pairs]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" not in metafunc.fixturenames:
        return
    engines: list[tuple[str, str] | None] = [*named_engines(os.environ.get(VARIABLE, ""))]
    ids = [engine[0] for engine in engines if engine] or ["no-engine"]
    metafunc.parametrize("engine", engines or [None], ids=ids, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Name and URL of a running engine that has the images; without one the test errors."""
    if request.param is None:
        pytest.fail(WAY_OUT, pytrace=False)
    name, url = request.param
    return str(name), str(url)
