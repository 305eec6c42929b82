"""`python3 -m pai.control.kubernetes`: one replica of control in its pod."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop

from pai.control.kubernetes.assembly import Options
from pai.control.kubernetes.process import run
from pai.errors import PaiError, SpecError
from pai.kube import Kube


def main() -> int:
    """Run the replica; the exit code is 1 when it can't start, with one line that says why."""
    arguments = _parser().parse_args()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pai-control-") as scratch,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            options = Options(
                settings=arguments.settings,
                data=arguments.data,
                scratch=Path(scratch),
                identity=arguments.identity,
                database=_database(arguments.database_url_file),
                internal_port=arguments.internal_port,
                front_port=arguments.front_port,
                probes_port=arguments.probes_port,
            )
            runner.run(_serve(arguments.kubeconfig, options))
    except PaiError as error:
        hint = f"\nhint:  {error.hint}" if error.hint else ""
        print(f"error: {error.message}{hint}", file=sys.stderr)
        return 1
    return 0


async def _serve(kubeconfig: Path | None, options: Options) -> None:
    kube = Kube.from_kubeconfig(kubeconfig) if kubeconfig else Kube.in_cluster()
    await run(kube, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pai.control.kubernetes", description=__doc__)
    add = parser.add_argument
    add("--settings", type=Path, required=True, help="settings.toml")
    add("--data", type=Path, default=Path("/data"), help="directory of the SQLite files")
    add("--database-url-file", type=Path, help="file with the URL of a PostgreSQL")
    add("--identity", default=os.environ.get("HOSTNAME", "control"), help="name of this replica")
    add("--kubeconfig", type=Path, help="outside of a pod: how the cluster is reached")
    add("--internal-port", type=int, default=8010)
    add("--front-port", type=int, default=8443)
    add("--probes-port", type=int, default=8081)
    return parser


def _database(file: Path | None) -> str | None:
    """Return the database's URL. Raises SpecError; never quotes it."""
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"--database-url-file {file}: {type(error).__name__}") from None


if __name__ == "__main__":
    sys.exit(main())
