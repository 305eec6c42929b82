"""Write everything that is made from the code, or with --check name what is out of date.

Each module in scripts/generators is one generator: `generate() -> dict[Path, str]`, with paths
from the project's root. A new generator is a new module; nothing else changes.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def generated() -> dict[Path, str]:
    """Return the wanted content of every generated file. Shape: by path from the root, sorted."""
    files: dict[Path, str] = {}
    package = importlib.import_module("scripts.generators")
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"scripts.generators.{found.name}")
        generate: Callable[[], dict[Path, str]] | None = getattr(module, "generate", None)
        if generate is None:
            continue  # a part that several generators share
        for path, text in generate().items():
            if path in files:
                raise SystemExit(f"{path} is generated twice, also by {found.name}")
            files[path] = text
    return dict(sorted(files.items()))


def stale(files: dict[Path, str]) -> list[Path]:
    """Return the paths whose files differ from what they should hold, or don't exist."""
    return [
        path
        for path, text in files.items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name stale files")
    options = parser.parse_args(arguments)
    files = generated()
    old = stale(files)
    for path in old:
        if options.check:
            print(f"{path}: out of date; run `make generate`", file=sys.stderr)
            continue
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(files[path], encoding="utf-8")
        print(f"wrote {path}")
    return 1 if options.check and old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
