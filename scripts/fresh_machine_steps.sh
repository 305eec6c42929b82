#!/bin/bash
# What happens on the fresh machine: `fresh_machine_steps.sh demo|test`.
set -euo pipefail
timed() {
    local started=$SECONDS
    "$@"
    echo "── $*: $((SECONDS - started)) s"
}
timed make "$1"
if [ "$1" = demo ]; then
    timed make demo
    make demo-stop
fi
