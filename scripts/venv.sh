#!/bin/sh
# Make .venv from the hashed lock file; nothing to do when it is current.
set -eu
cd "$(dirname "$0")/.."
[ .venv/.done -nt locks/dev.txt ] && exit 0
echo "· Python environment (locks/dev.txt)"
[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r locks/dev.txt
.venv/bin/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
touch .venv/.done
