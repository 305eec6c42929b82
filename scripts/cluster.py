"""The tests' Kubernetes: `python -m scripts.cluster build|up|load|down|where`.

`up`, `load` and `down` work inside the namespaces that `scripts/cluster.sh` makes.
"""

import argparse
import sys
from pathlib import Path
from subprocess import CalledProcessError

from scripts.kubernetes import image_store, lifecycle
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.layers import fetch
from scripts.kubernetes.place import place_of_this_machine
from scripts.kubernetes.program import ensure_program


def up(asked: argparse.Namespace) -> None:
    """Start the cluster and say where its kubeconfig is."""
    place = place_of_this_machine(ensure_program())
    lifecycle.up(place, node=not asked.control_plane_only)
    print(f"· Kubernetes is ready: KUBECONFIG={place.kubeconfig()}", flush=True)


def main() -> int:
    """Do what is asked for; one line and exit 1 when that can't be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="build the program and the images' layers; kept in the cache")
    starting = verbs.add_parser("up", help="start what does not run")
    starting.add_argument("--control-plane-only", action="store_true", help="no node: no pods")
    loading = verbs.add_parser("load", help="give the node the images of docker-archives")
    loading.add_argument("archive", nargs="+", type=Path)
    verbs.add_parser("down", help="end everything and remove its files")
    verbs.add_parser("where", help="print the directory of the program and its parts")
    asked = parser.parse_args()
    try:
        if asked.verb == "build":
            ensure_program()
            fetch()
        elif asked.verb == "where":
            print(ensure_program())
        elif asked.verb == "up":
            up(asked)
        elif asked.verb == "load":
            for archive in asked.archive:
                image_store.load_archive(place_of_this_machine(ensure_program()), archive)
        else:
            lifecycle.down(place_of_this_machine(ensure_program()))
    except (ClusterError, CalledProcessError, OSError) as error:
        print(f"error: cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
