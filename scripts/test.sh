#!/bin/bash
# Every check and every test, with container engines of their own. Last line: pytest's result.
set -uo pipefail
cd "$(dirname "$0")/.."

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
# Hundreds of our processes are started: none of them has to compile what another compiled.
unset PYTHONDONTWRITEBYTECODE
scripts/test_engines.sh .venv/bin/python -m pytest -q -n 3 --dist loadgroup --durations 30 "$@"
tested=$?
[ $tested != 0 ] && exit $tested
exit $checked
