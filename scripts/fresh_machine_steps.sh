#!/bin/bash
# What happens on the fresh machine: `fresh_machine_steps.sh demo|test [VARIABLE=VALUE]`.
set -euo pipefail
timed() {
    local started=$SECONDS
    "$@"
    echo "── $*: $((SECONDS - started)) s"
}
timed make "$@"
if [ "$1" = demo ]; then
    timed make "$@"
    make demo-stop
fi
