#!/bin/sh
# Make build/peers: the gateways that `python -m bench peers` compares with, each in an environment
# of its own and from its own lock file. `peers.sh --lock` renews the locks instead.
set -eu
cd "$(dirname "$0")/.."
peers="envoy tensorzero portkey litellm"
. scripts/install_locked.sh

if [ "${1:-}" = --lock ]; then
    for peer in $peers; do
        uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
            --no-emit-index-url --no-header --no-annotate "bench/peers/$peer.in" \
            -o "locks/peers-$peer.txt"
    done
    cd bench/peers
    npm install --package-lock-only --omit-lockfile-registry-resolved --silent
    exit 0
fi

venv() { # the environment of one peer, unless it is there as its lock says
    folder=build/peers/$1
    cmp -s "locks/peers-$1.txt" "$folder/.lock" && return
    echo "· $1 (locks/peers-$1.txt)"
    rm -rf "$folder"
    locked_venv "$folder" "locks/peers-$1.txt"
    cp "locks/peers-$1.txt" "$folder/.lock"
}

node_modules() { # of Portkey's gateway, by the Node of its environment
    target=build/peers/portkey/node
    cmp -s bench/peers/package-lock.json "$target/.lock" && return
    echo "· portkey (bench/peers/package-lock.json)"
    rm -rf "$target"
    locked_node_modules "$target" bench/peers "$PWD/build/peers/portkey"
    cp bench/peers/package-lock.json "$target/.lock"
}

mkdir -p build/peers
for peer in $peers; do
    venv "$peer"
done
node_modules
