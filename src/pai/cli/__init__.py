"""The command line: what a user types, the supervisor of `pai up` and `pai doctor`."""

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from pai.cli.app import run  # the supervisor's processes import this package, not the verbs

    raise SystemExit(run())
