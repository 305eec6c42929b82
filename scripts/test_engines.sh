#!/bin/bash
# Run a command with a Docker and a Podman of its own: `test_engines.sh COMMAND...`.
#
# Both run apart from this machine (see apart.sh), and so does the command. Sets PAI_TEST_ENGINES.
# A Kubernetes can be started beside them: cluster.sh has what that takes.
set -euo pipefail
cd "$(dirname "$0")/.."

outside() {
    scripts/packages.sh docker.io podman runc catatonit netavark aardvark-dns uidmap \
        slirp4netns fuse-overlayfs iptables iproute2 postgresql
    exec scripts/apart.sh engines "$0" --inside "$@"
}

wait_for() { # NAME URL LOG
    for _ in $(seq 150); do
        if python3 scripts/engine_ping.py "$2"; then return 0; fi
        sleep 0.2
    done
    tail -n 15 "$3" >&2
    echo "error: $1 does not answer at $2 after 30 s" >&2
    exit 1
}

start_docker() {
    local data=$PAI_APART_WORK/docker
    mkdir -p "$data"
    dockerd --data-root "$data/data" --exec-root "$PAI_APART_SOCKETS/exec" --bridge none \
        --pidfile "$data/pid" --host "unix://$PAI_APART_SOCKETS/docker.sock" \
        >"$data/log" 2>&1 </dev/null &
}

# Limits are said outright, soft equal to hard: Podman 4.3 swaps them for callers of its API, and
# its own defaults are more than root may set in some virtual machines.
start_podman() {
    local data=$PAI_APART_WORK/podman files
    files=$(ulimit -Hn)
    [ "$files" != unlimited ] && [ "$files" -lt 16384 ] || files=16384
    mkdir -p "$data/networks"
    cat >"$data/containers.conf" <<CONF
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=8192:8192"]
CONF
    # conmon notes where it is started that a container ran out of memory
    (cd "$data" && CONTAINERS_CONF=$data/containers.conf exec podman --root "$data/data" \
        --runroot "$PAI_APART_SOCKETS/run" --network-config-dir "$data/networks" \
        system service -t 0 "unix://$PAI_APART_SOCKETS/podman.sock") >"$data/log" 2>&1 </dev/null &
}

inside() {
    start_docker
    start_podman
    export PAI_TEST_ENGINES=""
    for name in docker podman; do
        local url="unix://$PAI_APART_SOCKETS/$name.sock"
        wait_for "$name" "$url" "$PAI_APART_WORK/$name/log"
        .venv/bin/python -m scripts.images --engine "$url"
        PAI_TEST_ENGINES="$PAI_TEST_ENGINES${PAI_TEST_ENGINES:+,}$name=$url"
    done
    unset DOCKER_HOST
    "$@" </dev/null
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
else
    [ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
    outside "$@"
fi
