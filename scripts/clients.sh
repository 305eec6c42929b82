#!/bin/sh
# Make build/clients: what the tests run unchanged, from lock files. SDKs for Python and Node, and in
# build/clients/agents the coding agents. Both are installed once for each state of their locks,
# below ~/.cache/pai; build/clients points there.
set -eu
cd "$(dirname "$0")/.."
. scripts/install_locked.sh
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

place() { # NAME LOCK...: where what these locks name is kept
    name=$1
    shift
    key=$(cat "$@" scripts/clients.sh scripts/install_locked.sh | sha256sum | cut -c1-32)
    echo "${PAI_CACHE:-$HOME/.cache/pai}/$name-$version-$key"
}

sdks=$(place clients locks/clients.txt tests/clients/node/package-lock.json)
agents=$(place agents locks/agents.txt tests/clients/agents/package-lock.json)
mkdir -p "$sdks" "$agents" build/clients/node build/clients/agents
exec 9>"$sdks/.lock"
flock 9
if [ ! -e "$sdks/.done" ]; then
    echo "· client SDKs (locks/clients.txt, tests/clients/node)"
    locked_venv "$sdks/venv" locks/clients.txt
    locked_node_modules "$sdks" tests/clients/node "$sdks/venv"
    touch "$sdks/.done"
fi
exec 9>"$agents/.lock"
flock 9
if [ ! -e "$agents/.done" ]; then
    echo "· coding agents (locks/agents.txt, tests/clients/agents): about 1.6 GB"
    locked_node_modules "$agents" tests/clients/agents "$sdks/venv"
    case $version in # aider is made for these alone; its tests say so with a newer one
        3.11 | 3.12) locked_venv "$agents/venv" locks/agents.txt ;;
    esac
    touch "$agents/.done"
fi
ln -sfn "$sdks/venv" build/clients/venv
ln -sfn "$sdks/node_modules" build/clients/node/node_modules
ln -sfn "$agents/venv" build/clients/agents/venv
ln -sfn "$agents/node_modules" build/clients/agents/node_modules
