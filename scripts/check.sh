#!/bin/sh
# What every commit passes: style, types, layers, generated files.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/ruff format --check --quiet .
.venv/bin/ruff check --quiet .
.venv/bin/mypy
.venv/bin/lint-imports --no-cache
.venv/bin/python scripts/generate.py --check
