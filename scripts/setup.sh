#!/bin/sh
# Make this machine ready: packages, Python environment, launcher, container engine, images.
# Safe to run again; when nothing is to do it takes about a second.
set -eu
cd "$(dirname "$0")/.."
export PYTHON="${PYTHON:-python3}"

old_python() {
    echo "error: Python 3.11 or newer is needed; $PYTHON is ${1:-missing}" >&2
    echo "hint:  Ubuntu 22.04: apt-get install python3.11 python3.11-venv, then PYTHON=python3.11 make …" >&2
    exit 1
}

wanted="gcc libc6-dev make ca-certificates mmdebstrap debian-archive-keyring iproute2 iptables"
[ "$PYTHON" != python3 ] || wanted="$wanted python3 python3-dev python3-venv"
if command -v "$PYTHON" >/dev/null; then
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || old_python "$version"
fi
# shellcheck disable=SC2086
scripts/packages.sh $wanted
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || old_python
scripts/venv.sh
make --silent -C launcher OUT="$PWD/build" all
[ "${1:-}" != --no-engine ] || exit 0
engine=$(scripts/engine.sh)
.venv/bin/python -m scripts.images --engine "$engine"
mkdir -p build
echo "$engine" > build/engine
