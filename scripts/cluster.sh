#!/bin/bash
# Run a command with a Kubernetes of its own: `cluster.sh [--control-plane-only] COMMAND...`.
#
# Sets KUBECONFIG and puts kubectl on the PATH. Several may run at once; see apart.sh. With
# --packages: only install what a cluster takes.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    --packages)
        exec scripts/packages.sh containerd runc containernetworking-plugins catatonit iptables \
            nftables conntrack iproute2 mmdebstrap debian-archive-keyring
        ;;
    --inside)
        shift
        form=()
        if [ "$1" = --control-plane-only ]; then
            form+=("$1")
            shift
        fi
        .venv/bin/python -m scripts.cluster up "${form[@]}" >&2
        KUBECONFIG=$PAI_APART_WORK/cluster/admin.kubeconfig
        PATH=$(.venv/bin/python -m scripts.cluster where):$PATH
        export KUBECONFIG PATH
        "$@"
        ;;
    "" | --help)
        echo "usage: $0 [--control-plane-only] COMMAND..." >&2
        exit 2
        ;;
    *)
        "$0" --packages
        .venv/bin/python -m scripts.cluster build
        exec scripts/apart.sh cluster "$0" --inside "$@"
        ;;
esac
