"""docs/metrics.md names every metric with the type and the meaning that the code gives it."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from pai.control.catalog import Catalog
from pai.control.kubernetes.metrics import ClusterMetrics
from pai.control.metrics import Budgets
from pai.gateway.figures import FAMILIES
from pai.gateway.telemetry import ERRORS, OPERATIONS
from pai.ir.settings import Settings
from pai.kube import Kube

PAGE = Path("docs/metrics.md").read_text(encoding="utf-8")
Told = dict[str, tuple[str, str]]


def documented(section: str) -> Told:
    """Return type and meaning by name, from one section's table."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"`\w+`", cells[0]):
            found[cells[0].strip("`")] = (cells[1], cells[3])
    return found


def collected(*collectors: Collector | CollectorRegistry) -> Told:
    """Return what collectors of control tell, under the names that scrapers see."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            family.documentation,
        )
        for collector in collectors
        for family in collector.collect()
    }


def test_metrics_of_the_gateway() -> None:
    assert documented("Metrics of the gateway") == dict(FAMILIES)


def test_metrics_of_control() -> None:
    kube = cast(Kube, SimpleNamespace(calls={}, errors={}))
    budgets: Any = Budgets(Catalog(Settings(), b"seed"), {})
    told = collected(ClusterMetrics(kube).registry, budgets)
    assert documented("Metrics of control") == told


def test_values_of_labels() -> None:
    for value in (*ERRORS, *OPERATIONS.values()):
        assert f"`{value}`" in PAGE, value
