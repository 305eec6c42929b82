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
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate --group quickstart -o locks/quickstart.txt
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate --group clients -o locks/clients.txt
(cd tests/clients/node && npm install --package-lock-only --omit-lockfile-registry-resolved --silent)
