"""Which checks there are, and that one that breaks does not keep the others from being made."""

from collections.abc import Callable, Iterator

from pai.cli.doctor import engine_checks, machine_checks, platform_checks
from pai.cli.locations import DataDir
from pai.cli.output.doctor import Check
from pai.control.settings import load_settings
from pai.errors import PaiError
from pai.ir.settings import Settings

Looker = Callable[[Settings, DataDir], Iterator[Check]]

_LOOKERS: tuple[Looker, ...] = (
    platform_checks.data_directory,
    platform_checks.disk_space,
    engine_checks.engine,
    machine_checks.redirection,
    machine_checks.cgroups,
    machine_checks.clock,
    platform_checks.ports,
    platform_checks.processes,
    platform_checks.control,
)


def examine(data: DataDir) -> list[Check]:
    """Return the result of every check; works whether the platform runs or not."""
    found, settings = _settings(data)
    checks = [found]
    for look in _LOOKERS:
        try:
            checks.extend(look(settings, data))
        except (PaiError, OSError) as error:
            name = look.__name__.replace("_", " ")
            checks.append(Check(name, "WARN", f"can't be looked at: {error}"))
    return checks


def _settings(data: DataDir) -> tuple[Check, Settings]:
    """Return the settings, the defaults when the file can't be used."""
    try:
        settings = load_settings(data.settings)
    except PaiError as error:
        advice = error.hint or "correct the file"
        return Check("settings", "FAIL", error.message, advice), Settings()
    found = str(data.settings) if data.settings.exists() else "none written; the defaults hold"
    return Check("settings", "OK", found), settings
