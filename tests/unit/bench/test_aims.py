"""Figures of a run against their aims."""

from bench.aims import Aim, aims, report
from bench.load import Figures
from bench.streams import Held
from bench.suite import Paced, Suite


def figure(name: str, cpu_us: float, p50_us: float = 100.0) -> Figures:
    return Figures(name, cpu_us, p50_us, 500.0, 1000.0, 30.0, 0)


OWN = [
    figure("direct JSON", 5.0),
    figure("direct JSON 400 KB", 50.0, p50_us=1000.0),
    figure("nginx JSON", 20.0),
    figure("nginx SSE", 1520.0),
    figure("gateway JSON", 30.0),
    figure("gateway JSON translated", 60.0),
    figure("gateway JSON 400 KB", 900.0, p50_us=3500.0),
    figure("gateway SSE", 2030.0),
    figure("gateway SSE translated", 10_060.0),
]
PEERS = [figure("envoy full JSON", 150.0), figure("litellm JSON", 6000.0)]


def paced(name: str, cpu_us: float) -> Paced:
    return Paced(name, 5000.0, cpu_us, 300.0, 2500.0, 900.0, 100.0, 500.0, 400.0, 0)


PACED = [paced("gateway JSON", 60.0), paced("event loop JSON", 20.0), paced("nginx JSON", 25.0)]
HELD = [
    Held("gateway", 500, 500, 5000.0, 20.0, 40.0, 90.0),
    Held("gateway translated", 500, 499, 5000.0, 40.0, 40.0, 110.0),
]


def by_name(suite: Suite) -> dict[str, Aim]:
    return {aim.name: aim for aim in aims(suite)}


def test_every_aim_is_computed_from_the_run_s_own_figures() -> None:
    found = by_name(Suite([*OWN, *PEERS], PACED, HELD))
    assert {name: round(aim.value, 3) for name, aim in found.items()} == {
        "JSON, CPU against nginx": 1.5,
        "JSON, CPU of envoy full against ours": 5.0,
        "JSON, CPU of litellm against ours": 200.0,
        "JSON, CPU against nginx, 5000 a second": 2.4,
        "JSON, CPU against event loop, 5000 a second": 3.0,
        "SSE, CPU an event, nginx": 3.0,
        "SSE, CPU an event, passed through": 4.0,
        "SSE, CPU an event, translated": 20.0,
        "added p50, at 5000 requests/s": 0.2,
        "added p99, at 5000 requests/s": 2.0,
        "added p99, half of all 500 requests": 0.5,
        "added p50, prompt of 400 KB": 2.5,
        "RSS before the first request": 40.0,
        "held of 500 streams, as they come": 500,
        "RSS with 500 streams, as they come": 90.0,
        "held of 500 streams, translated": 499,
        "RSS with 500 streams, translated": 110.0,
    }


def test_a_missed_aim_says_so_in_its_line() -> None:
    found = by_name(Suite([*OWN, *PEERS], PACED, HELD))
    missed = {name for name, aim in found.items() if not aim.met}
    assert missed == {
        "JSON, CPU of litellm against ours",
        "JSON, CPU against nginx, 5000 a second",
        "SSE, CPU an event, translated",
        "added p99, at 5000 requests/s",
        "held of 500 streams, translated",
        "RSS with 500 streams, translated",
    }
    assert all(aim.line().endswith("MISSED") == (name in missed) for name, aim in found.items())


def test_a_figure_without_a_bound_is_told_and_nothing_else() -> None:
    aim = Aim("SSE, CPU an event, nginx", 3.0, None, "µs")
    assert aim.met
    assert aim.line().split() == ["SSE,", "CPU", "an", "event,", "nginx", "3.00", "µs"]


def test_a_run_without_peers_has_no_ratios_to_them() -> None:
    assert not any("litellm" in line for line in report(Suite(OWN, PACED, HELD)))


def test_others_are_told_in_times_of_ours() -> None:
    pace = [*PACED, paced("envoy full JSON", 60.0)]
    rows = [line.split() for line in report(Suite([*OWN, *PEERS], pace, HELD))]
    assert ["gateway", "1.00", "1.00", "1.00", "1.00", "1.00"] in rows
    assert ["envoy", "full", "5.00", "-", "-", "-", "-"] in rows
