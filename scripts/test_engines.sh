#!/bin/bash
# Run a command with a Docker and a Podman of its own: `test_engines.sh COMMAND...`.
#
# Both run in mount, network and process namespaces made for this, with nothing outside of them
# but loopback: the machine's own engines, bridges and packet rules are not touched, and all of it
# is gone when the command ends, also when it is killed. Sets PAI_TEST_ENGINES.
set -euo pipefail
cd "$(dirname "$0")/.."

outside() {
    if [ "$(id -u)" != 0 ]; then
        echo "error: the tests' container engines need root" >&2
        echo "hint:  sudo $0 $*; or set PAI_TEST_ENGINES and run pytest yourself" >&2
        exit 1
    fi
    scripts/packages.sh docker.io podman runc catatonit netavark aardvark-dns uidmap \
        slirp4netns fuse-overlayfs iptables iproute2
    mkdir -p build
    work=$(mktemp -d "$PWD/build/engines.XXXXXX")
    sockets=$(mktemp -d /tmp/pai-engines.XXXXXX) # a socket's path must be short
    machine=""
    trap clean EXIT
    trap 'exit 143' TERM INT HUP
    PAI_ENGINES_WORK=$work PAI_ENGINES_SOCKETS=$sockets \
        unshare --mount --net --pid --ipc --fork --kill-child --mount-proc "$0" --inside "$@" &
    machine=$!
    wait "$machine"
}

# All processes first, with their mounts; only then the files they wrote.
clean() {
    local status=$?
    trap '' TERM INT HUP # a second signal must not stop the clearing up
    [ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf --one-file-system "$work" "$sockets" || true
    exit $status
}

own_sys() { # /sys/class/net of the new network namespace, with the control groups as they were
    mkdir "$PAI_ENGINES_WORK/cgroup"
    mount --rbind /sys/fs/cgroup "$PAI_ENGINES_WORK/cgroup"
    mount -t sysfs sysfs /sys
    mount --rbind "$PAI_ENGINES_WORK/cgroup" /sys/fs/cgroup
    mount -t tmpfs tmpfs /dev/shm # Podman keeps its locks there, for all of its roots at once
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
    local data=$PAI_ENGINES_WORK/docker
    mkdir -p "$data"
    dockerd --data-root "$data/data" --exec-root "$PAI_ENGINES_SOCKETS/exec" --bridge none \
        --pidfile "$data/pid" --host "unix://$PAI_ENGINES_SOCKETS/docker.sock" \
        >"$data/log" 2>&1 </dev/null &
}

# Limits are said outright, soft equal to hard: Podman 4.3 swaps them for callers of its API, and
# its own defaults are more than root may set in some virtual machines.
start_podman() {
    local data=$PAI_ENGINES_WORK/podman files
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
    CONTAINERS_CONF=$data/containers.conf podman --root "$data/data" \
        --runroot "$PAI_ENGINES_SOCKETS/run" --network-config-dir "$data/networks" \
        system service -t 0 "unix://$PAI_ENGINES_SOCKETS/podman.sock" >"$data/log" 2>&1 </dev/null &
}

inside() {
    own_sys
    ip link set lo up
    start_docker
    start_podman
    export PAI_TEST_ENGINES=""
    for name in docker podman; do
        local url="unix://$PAI_ENGINES_SOCKETS/$name.sock"
        wait_for "$name" "$url" "$PAI_ENGINES_WORK/$name/log"
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
