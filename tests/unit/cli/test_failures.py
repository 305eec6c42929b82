from pai.cli.failures import (
    CommandError,
    Fault,
    FaultsError,
    UsageError,
    exit_code,
    format_failure,
)
from pai.cli.output.paint import PLAIN
from pai.errors import PaiError, SpecError, TransientError


def test_exit_codes() -> None:
    codes = [exit_code(error("x")) for error in (PaiError, SpecError, TransientError, CommandError)]
    assert codes == [1, 1, 1, 1]
    assert exit_code(UsageError("x")) == 2
    assert exit_code(FaultsError([Fault("x")])) == 1


def test_every_fault_has_its_line_and_hint() -> None:
    faults = [Fault("spec.a: wrong", "f.yaml:3", "mend it"), Fault("spec.b: missing")]
    assert format_failure(FaultsError(faults), PLAIN) == (
        "error: f.yaml:3: spec.a: wrong\nhint:  mend it\nerror: spec.b: missing\n"
    )
