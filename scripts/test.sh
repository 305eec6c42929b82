#!/bin/bash
# Every check and every test, with container engines of their own. Last line: pytest's result.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/check.sh
checked=$?
[ $checked = 0 ] || echo "error: make check failed (above); the tests run nevertheless" >&2
scripts/test_engines.sh .venv/bin/python -m pytest -q -n 2 --dist loadgroup --durations 30 "$@"
tested=$?
[ $tested != 0 ] && exit $tested
exit $checked
