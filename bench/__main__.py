"""`python -m bench [gateway|sidecar|platform ...]`: measure, print, keep the last run.

`python -m bench cluster` measures on a Kubernetes, see `bench.cluster`; `python -m bench budget`
what budgets come to under load and kills, see `bench.budget`.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench import gateway, sidecar, timings
from bench.kept import RESULTS, about
from bench.load import Figures

PARTS = {"gateway": gateway.figures, "sidecar": sidecar.figures}
# what is divided by what, and the aim
RATIOS = (
    ("gateway JSON", "nginx JSON", 2.5),
    ("gateway SSE", "nginx SSE", 2.5),
    ("sidecar TLS JSON", "nginx TLS JSON", 3.0),
    ("sidecar TLS SSE", "nginx TLS SSE", 3.0),
)


def table(figures: list[Figures]) -> list[str]:
    """Format raw figures."""
    lines = [f"{'':18}{'CPU µs/req':>11}{'p50 µs':>9}{'p99 µs':>9}{'req/s':>9}{'RSS MiB':>9}"]
    lines += [
        f"{f.name:18}{f.cpu_us:11.1f}{f.p50_us:9.0f}{f.p99_us:9.0f}{f.per_second:9.0f}"
        f"{f.rss_mib:9.1f}" + (f"  {f.errors} errors" if f.errors else "")
        for f in figures
    ]
    return lines


def ratios(figures: list[Figures]) -> list[str]:
    """Format CPU ratios and added latency against their aims."""
    by_name = {figure.name: figure for figure in figures}
    lines = []
    for ours, theirs, aim in RATIOS:
        if ours in by_name and theirs in by_name:
            one, other = by_name[ours], by_name[theirs]
            ratio, added = one.cpu_us / other.cpu_us, one.p50_us - other.p50_us
            compared = f"{ours:18}{ratio:6.2f} times {theirs:16}"
            lines.append(f"{compared} aim ≤ {aim}   p50 {added:+.0f} µs")
    return lines


def main(parts: list[str]) -> int:
    """Run the chosen parts; without a choice all of one machine."""
    if parts and parts[0] == "cluster":
        from bench import cluster  # takes Kubernetes' stage, which others need not have

        return cluster.main(parts[1:])
    if parts == ["budget"]:
        from bench import budget  # takes the tests' stage and PostgreSQL

        return budget.main()
    chosen = parts or [*PARTS, "platform"]
    figures: list[Figures] = []
    seconds: list[timings.Timing] = []
    with tempfile.TemporaryDirectory() as scratch:
        for part in chosen:
            print(f"· {part}", file=sys.stderr)
            folder = Path(scratch) / part
            folder.mkdir()
            if part == "platform":
                seconds = timings.timings(folder)
            else:
                figures += PARTS[part](folder)
    lines = [*table(figures), "", *ratios(figures)] if figures else []
    lines += ["", *timings.table(seconds)] if seconds else []
    print("\n".join(lines))
    keep(figures, seconds, lines)
    return 1 if any(figure.errors for figure in figures) else 0


def keep(figures: list[Figures], seconds: list[timings.Timing], lines: list[str]) -> None:
    """Write the run where the next one can be compared with it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    facts = about()
    run = {
        **facts,
        "figures": [asdict(f) for f in figures],
        "seconds": [asdict(s) for s in seconds],
    }
    (RESULTS / "last.json").write_text(json.dumps(run, indent=1) + "\n")
    source = f"{facts['at'][:16]} commit {facts['commit']}, Python {facts['python']}"
    head = f"{source}, one core each side\n\n"
    (RESULTS / "last.txt").write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
