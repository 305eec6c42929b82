"""`python -m bench [gateway|sidecar|platform ...]`: measure, print, keep the last run.

`python -m bench peers [NAME ...]` measures other gateways beside ours, see `bench.peers`;
`soak [SECONDS]` whether ours grows, see `bench.soak`; `cluster` measures on a Kubernetes, see
`bench.cluster`; `budget` what budgets come to under load and kills, see `bench.budget`.
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bench import sidecar, timings
from bench.aims import report
from bench.event_loop import event_loop
from bench.gateway import gateway
from bench.kept import keep
from bench.load import Figures
from bench.nginx import nginx
from bench.suite import Suite, run
from bench.target import Start

PARTS = ("gateway", "sidecar", "platform")
OWN: Mapping[str, Start] = {"nginx": nginx, "event loop": event_loop, "gateway": gateway}
NOTE = "one core each side"
# what is divided by what, and the aim
RATIOS = (
    ("sidecar TLS JSON", "nginx TLS JSON", 3.0),
    ("sidecar TLS SSE", "nginx TLS SSE", 3.0),
)


def table(figures: list[Figures]) -> list[str]:
    """Format raw figures."""
    lines = [f"{'':26}{'CPU µs/req':>11}{'p50 µs':>9}{'p99 µs':>9}{'req/s':>9}{'RSS MiB':>9}"]
    lines += [
        f"{f.name:26}{f.cpu_us:11.1f}{f.p50_us:9.0f}{f.p99_us:9.0f}{f.per_second:9.0f}"
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


def main(words: list[str]) -> int:
    """Run the chosen parts; without a choice all of one machine."""
    match words:
        case ["cluster", *rest]:
            from bench import cluster  # takes Kubernetes' stage, which others need not have

            return cluster.main(rest)
        case ["budget"]:
            from bench import budget  # takes the tests' stage and PostgreSQL

            return budget.main()
        case ["soak", *rest]:
            from bench import soak

            return soak.main(rest)
        case ["peers", *rest]:
            return peers(rest)
        case _:
            return parts(words or list(PARTS))


def peers(chosen: list[str]) -> int:
    """Measure peers beside nginx and the gateway; without a choice all of them, and keep that."""
    from bench.peers import PEERS  # needs what scripts/peers.sh installs

    if unknown := set(chosen) - set(PEERS):
        raise SystemExit(f"error: no peer {unknown.pop()!r}\nhint:  {', '.join(PEERS)}")
    starts = {name: start for name, start in PEERS.items() if name in (chosen or PEERS)}
    with tempfile.TemporaryDirectory() as scratch:
        suite = run(Path(scratch), {**OWN, **starts})
    lines = [*table(suite.figures), "", *report(suite)]
    print("\n".join(lines))
    if not chosen:
        keep("peers", asdict(suite), lines, NOTE)
    return 1 if suite.errors else 0


def parts(chosen: list[str]) -> int:
    """Measure the chosen parts of our own."""
    suite, figures, seconds = Suite(), list[Figures](), list[timings.Timing]()
    with tempfile.TemporaryDirectory() as scratch:
        for part in chosen:
            print(f"· {part}", file=sys.stderr)
            folder = Path(scratch) / part
            folder.mkdir()
            match part:
                case "gateway":
                    suite = run(folder, OWN)
                case "sidecar":
                    figures = sidecar.figures(folder)
                case "platform":
                    seconds = timings.timings(folder)
                case _:
                    raise SystemExit(f"error: no part {part!r}\nhint:  {', '.join(PARTS)}")
    figures = [*suite.figures, *figures]
    lines = [*table(figures), "", *ratios(figures)] if figures else []
    lines += ["", *report(suite)] if suite.figures else []
    lines += ["", *timings.table(seconds)] if seconds else []
    print("\n".join(lines))
    kept = {**asdict(suite), "figures": [asdict(each) for each in figures]}
    keep("last", {**kept, "seconds": [asdict(each) for each in seconds]}, lines, NOTE)
    return 1 if any(each.errors for each in figures) or suite.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
