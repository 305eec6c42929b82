#!/bin/sh
# Print the URL of a running container engine; find one, or install and start one.
set -eu
cd "$(dirname "$0")/.."
say() { echo "$@" >&2; }
answers() { python3 scripts/engine_ping.py "$1"; }

candidates() {
    echo "${DOCKER_HOST:-}"
    echo unix:///var/run/docker.sock
    echo "unix://${XDG_RUNTIME_DIR:-/run}/podman/podman.sock"
    echo unix:///run/podman/podman.sock
}

find_running() {
    for url in $(candidates); do
        if answers "$url"; then echo "$url"; return 0; fi
    done
    return 1
}

wait_for() { # URL: up to 30 s
    for _ in $(seq 150); do
        if answers "$1"; then echo "$1"; return 0; fi
        sleep 0.2
    done
    return 1
}

# Standard streams are let go: whoever waits for our output must not wait for the daemon.
start_dockerd() {
    socket=unix:///var/run/docker.sock
    if [ -d /run/systemd/system ]; then
        systemctl start docker >&2
        stop="systemctl stop docker"
    else
        setsid dockerd --host "$socket" >/var/log/pai-dockerd.log 2>&1 </dev/null &
        stop='kill $(cat /var/run/docker.pid)'
    fi
    if wait_for "$socket"; then
        say "· started Docker at $socket (stop it with: $stop)"
    else
        tail -n 5 /var/log/pai-dockerd.log >&2 2>/dev/null || true
        say "error: dockerd does not answer at $socket after 30 s"
        say "hint:  see /var/log/pai-dockerd.log, or journalctl -u docker"
        return 1
    fi
}

start_podman() {
    socket=unix:///run/podman/podman.sock
    mkdir -p /run/podman
    setsid podman system service -t 0 "$socket" >/var/log/pai-podman.log 2>&1 </dev/null &
    pid=$!
    wait_for "$socket" || { say "error: podman's service does not start; see /var/log/pai-podman.log"; return 1; }
    say "· started Podman's service at $socket (stop it with: kill $pid)"
}

if find_running; then exit 0; fi
if [ "$(id -u)" != 0 ]; then
    say "error: no container engine answers"
    say "hint:  start Docker or Podman, or run this once as root"
    exit 1
fi
if command -v dockerd >/dev/null; then start_dockerd; exit; fi
if command -v podman >/dev/null; then start_podman; exit; fi
scripts/packages.sh docker.io >&2
# The package may have started it by itself.
if [ -e /var/run/docker.pid ] && wait_for unix:///var/run/docker.sock; then exit 0; fi
start_dockerd
