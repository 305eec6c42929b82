#!/bin/bash
# Prove `make demo` or `make test` on a fresh machine: `fresh_machine.sh demo|test [VARIABLE=VALUE]`.
#
# The machine is a minimal Debian root with make, git and ca-certificates, in mount, network,
# process, ipc and host-name namespaces of its own; it reaches the outside as a user program would,
# so neither packet rules nor container engines of this machine are touched. The committed HEAD is
# cloned into it. Only the package clients' configuration is copied from here. All of it is removed.
set -euo pipefail
cd "$(dirname "$0")/.."
SUITE=${SUITE:-bookworm}
FREE_KIB_NEEDED=$((15 * 1024 * 1024)) # five of it: Kubernetes, compiled; two: coding agents

outside() {
    [ "$(id -u)" = 0 ] || { echo "error: a fresh machine needs root" >&2; exit 1; }
    scripts/packages.sh mmdebstrap debian-archive-keyring slirp4netns iproute2
    mkdir -p build
    free=$(df --output=avail -k build | tail -n 1)
    if [ "$free" -lt $FREE_KIB_NEEDED ]; then
        echo "error: $((free / 1024)) MiB free in build/, $((FREE_KIB_NEEDED / 1024)) are needed" >&2
        exit 1
    fi
    work=$(mktemp -d "$PWD/build/fresh.XXXXXX")
    machine="" network=""
    trap clean EXIT
    trap 'exit 143' TERM INT HUP
    mkdir "$work/root"
    echo "· a minimal Debian ($SUITE)"
    mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates "$SUITE" "$work/root"
    copy_client_configuration "$work/root"
    git clone --quiet --no-hardlinks "file://$PWD" "$work/root/root/pai"
    echo "· cloned $(git -C "$work/root/root/pai" log -1 --format='%h %s')"
    run_machine "$@"
}

# Mirrors, indexes and the authorities they are certified by; no key of this machine's users.
copy_client_configuration() {
    local root=$1 file
    rm -f "$root"/etc/apt/sources.list
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        /etc/apt/apt.conf.d/* /etc/pip.conf /etc/npmrc; do
        if [ -f "$file" ] && [ ! -e "$root$file" ]; then install -D -m 644 "$file" "$root$file"; fi
    done
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    echo "127.0.0.1 localhost fresh" >"$root/etc/hosts"
}

run_machine() {
    mkfifo "$work/go"
    unshare --mount --net --pid --ipc --uts --fork --kill-child "$0" --inside "$work" "$@" &
    machine=$!
    local inner=""
    while [ -z "$inner" ]; do
        sleep 0.1
        inner=$(cat "/proc/$machine/task/$machine/children")
    done
    slirp4netns --configure --mtu=65520 --disable-host-loopback "${inner// /}" tap0 \
        >"$work/network.log" 2>&1 &
    network=$!
    echo go >"$work/go"
    wait "$machine"
}

clean() {
    local status=$?
    trap '' TERM INT HUP # a second signal must not stop the clearing up
    [ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
    [ -z "$network" ] || kill "$network" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf --one-file-system "$work"
    exit $status
}

inside() {
    local root=$1/root
    read -r _ <"$1/go"
    shift
    hostname fresh
    mount --rbind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/run"
    mkdir -p "$root/old" "$root/run/lock"
    cd "$root"
    pivot_root . old
    exec env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "${client_environment[@]}" /bin/bash -c '
            umount -l /old && rmdir /old
            for _ in $(seq 100); do grep -q tap0 /proc/net/route && break; sleep 0.1; done
            cd /root/pai && exec scripts/fresh_machine_steps.sh "$@"' sh "$@"
}

client_environment=()
while IFS= read -r -d '' entry; do
    case "$entry" in
        PIP_FIND_LINKS=/*) ;; # a directory of this machine
        PIP_* | UV_* | npm_config_* | GOPROXY=* | GOSUMDB=* | http_proxy=* | https_proxy=* | no_proxy=* | HTTP_PROXY=* | HTTPS_PROXY=* | NO_PROXY=*)
            client_environment+=("$entry") ;;
    esac
done < <(env -0)

case "${1:-}" in
    demo | test) outside "$@" ;;
    --inside) shift; inside "$@" ;;
    *) echo "usage: $0 demo|test [VARIABLE=VALUE]" >&2; exit 2 ;;
esac
