#!/bin/bash
# Run a command apart from this machine: `apart.sh NAME COMMAND...`.
#
# It gets mount, network, process and ipc namespaces of its own, with nothing outside of them but
# loopback: the machine's engines, bridges, packet rules and ports are not touched. When it ends,
# also when it is killed, its processes, mounts, control groups and files are gone.
# Sets PAI_APART_WORK (a directory below build/) and PAI_APART_SOCKETS (one with a short path).
set -euo pipefail
cd "$(dirname "$0")/.."

outside() {
    mkdir -p build
    sweep
    work=$(mktemp -d "$PWD/build/$1.XXXXXX")
    sockets=$(mktemp -d /tmp/pai-sockets.XXXXXX) # a socket's path must be short
    shift
    machine=""
    trap clean EXIT
    trap 'exit 143' TERM INT HUP
    hold
    PAI_APART_WORK=$work PAI_APART_SOCKETS=$sockets setpriv --pdeathsig KILL \
        unshare --mount --net --pid --ipc --fork --kill-child --mount-proc \
        "$0" --inside "$@" <&0 &
    machine=$!
    wait "$machine"
}

# A lock that lasts as long as we do; whose lock is gone was killed and could not clear up.
hold() {
    echo "$sockets" >"$work/alive.new"
    exec 9<"$work/alive.new"
    flock 9
    mv "$work/alive.new" "$work/alive"
}

sweep() {
    local alive
    for alive in build/*.??????/alive; do
        [ -e "$alive" ] || continue
        (flock --nonblock 9 && remove "$PWD/$(dirname "$alive")" "$(cat "$alive")") 9<"$alive" || true
    done
}

# All processes first, with their mounts; only then their control groups and files.
clean() {
    local status=$?
    trap '' TERM INT HUP # a second signal must not stop the clearing up
    [ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
    wait 2>/dev/null || true
    remove "$work" "$sockets"
    exit $status
}

remove() { # WORK SOCKETS
    remove_groups "$(basename "$1")"
    rm -rf --one-file-system "$1" "$2" || true
}

remove_groups() { # NAME: in the one hierarchy of version 2, or in every one of version 1
    local tree
    for tree in /sys/fs/cgroup /sys/fs/cgroup/*/; do
        [ -d "${tree%/}/$1" ] || continue
        for _ in $(seq 50); do # the kernel needs a moment after a group's last process
            find "${tree%/}/$1" -depth -type d -exec rmdir {} + 2>/dev/null && break
            sleep 0.1
        done
    done
}

own_sys() { # /sys/class/net of the new network namespace, with the control groups as they were
    mkdir "$PAI_APART_WORK/cgroup"
    mount --rbind /sys/fs/cgroup "$PAI_APART_WORK/cgroup"
    mount -t sysfs sysfs /sys
    mount --rbind "$PAI_APART_WORK/cgroup" /sys/fs/cgroup
    mount -t tmpfs tmpfs /dev/shm # Podman keeps its locks there, for all of its roots at once
}

# Paths that containerd, CNI plugins, the kubelet and `ip netns` have built in.
own_directories() {
    local path own
    for path in /run/containerd /run/netns /var/lib/cni /var/lib/kubelet /var/log/containers \
        /tmp/hostpath_pv; do
        own="$PAI_APART_WORK/own$path"
        mkdir -p "$path" "$own"
        mount --bind "$own" "$path"
    done
}

# The kubelet insists on these, and they are all of the machine's: let it set files instead.
own_tunables() {
    local entry path own="$PAI_APART_WORK/tunables"
    mkdir "$own"
    for entry in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
        kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
        path=${entry%=*}
        echo "${entry#*=}" >"$own/${path//\//.}"
        mount --bind "$own/${path//\//.}" "/proc/sys/$path"
    done
}

inside() {
    own_sys
    own_directories
    own_tunables
    ip link set lo up
    "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
else
    [ $# -gt 1 ] || { echo "usage: $0 NAME COMMAND..." >&2; exit 2; }
    if [ "$(id -u)" != 0 ]; then
        echo "error: namespaces of their own need root" >&2
        echo "hint:  sudo $0 $*" >&2
        exit 1
    fi
    outside "$@"
fi
