"""Where `scripts/peers.sh` has put the peers."""

from pathlib import Path

PLACE = Path("build/peers")


def program(peer: str, name: str) -> str:
    """Return the path of a peer's program, or say how to get it."""
    path = PLACE / peer / "bin" / name
    if not path.exists():
        raise SystemExit(f"error: {path} is missing\nhint:  scripts/peers.sh, or make bench-peers")
    return str(path.absolute())
