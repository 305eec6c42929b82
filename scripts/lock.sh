#!/bin/sh
# Pin every dependency by hash. The lock files name no index address.
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-header --no-annotate pyproject.toml "$@"
}
lock -o locks/dataplane.txt
lock --extra platform -o locks/platform.txt
lock --extra platform --group dev -o locks/dev.txt
for group in quickstart clients agents; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate --group "$group" -o "locks/$group.txt"
done
for folder in node agents; do
    (cd "tests/clients/$folder" &&
        npm install --package-lock-only --omit-lockfile-registry-resolved --silent)
done
scripts/peers.sh --lock
