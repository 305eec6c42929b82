#!/bin/bash
# Every check and every test, with container engines of their own. Last line: pytest's result; what
# has failed so far is in build/failures.txt.
set -uo pipefail
cd "$(dirname "$0")/.."

COMPILED_TESTS="tests/unit/budget tests/unit/gateway tests/unit/providers tests/unit/wire
    tests/unit/dialect tests/unit/policy tests/unit/sidecar
    tests/property/test_budget_laws.py tests/property/test_redaction_laws.py
    tests/property/test_dialect_openai_laws.py"

asks_for_a_cluster() { # ARGUMENTS of pytest
    local argument named=""
    for argument in "$@"; do
        case "$argument" in
            tests | tests/ | tests/cluster*) return 0 ;;
            tests/*) named=yes ;;
        esac
    done
    [ -z "$named" ]
}

scripts/check.sh
checked=$?
[ $checked = 0 ] || echo "error: make check failed (above); the tests run nevertheless" >&2
if asks_for_a_cluster "$@"; then
    scripts/cluster.sh --packages && .venv/bin/python -m scripts.cluster build || exit 1
fi
scripts/clients.sh || exit 1
# Processes under test run what is shipped, the compiled hot path; what tests import is the source.
# What is compiled has the tests of its modules run on it too: the compiler is not always right.
PYTHONPATH=$(.venv/bin/python -m scripts.machine_code) || exit 1
export PYTHONPATH
if [ $# = 0 ] && [ "$PYTHONPATH" != "$PWD/src" ]; then
    scripts/packages.sh postgresql || exit 1
    echo "· tests of the compiled modules, compiled"
    # shellcheck disable=SC2086
    .venv/bin/python -m pytest -q -n 3 -o "pythonpath=$PYTHONPATH ." $COMPILED_TESTS
    compiled=$?
fi
# Hundreds of our processes are started: none of them has to compile what another compiled.
unset PYTHONDONTWRITEBYTECODE
scripts/test_engines.sh .venv/bin/python -m pytest -q -n 3 --dist loadgroup --durations 30 "$@"
tested=$?
[ $tested != 0 ] && exit $tested
[ "${compiled:-0}" = 0 ] || { echo "error: tests fail on compiled modules (above)" >&2; exit 1; }
exit $checked
