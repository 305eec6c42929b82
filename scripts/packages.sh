#!/bin/sh
# Install those of the named Debian packages that are missing: `packages.sh NAME...`.
set -eu
cd "$(dirname "$0")/.."
missing=""
for package in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    [ "$state" = "ii " ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "error: missing packages:$missing" >&2
    echo "hint:  this is no Debian or Ubuntu; install them by your distribution's means" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "error: missing packages:$missing" >&2
    echo "hint:  run this once as root, or: sudo apt-get install$missing" >&2
    exit 1
fi
mkdir -p build
log=build/packages.log
echo "· installing$missing"
export DEBIAN_FRONTEND=noninteractive
run() { # shows a line for every 20 packages; all of it is in the log
    { "$@" 2>&1; echo "exit $?"; } | tee -a "$log" | awk '
        /^Setting up / { if (++n % 20 == 0) { print "  " n " packages set up"; fflush() } }
        /^exit / { code = $2 } END { exit code }'
}
: > "$log"
# shellcheck disable=SC2086
if ! { run apt-get update -q && run apt-get install -q -y --no-install-recommends $missing; }; then
    tail -n 15 "$log" >&2
    echo "error: apt-get failed (all of it: $log)" >&2
    exit 1
fi
