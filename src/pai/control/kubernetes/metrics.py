"""What a control replica on a cluster measures of itself, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_asgi_app
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp

from pai.kube import Kube

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """Registered once a process."""

    def __init__(self, kube: Kube) -> None:
        registry = CollectorRegistry()
        self.reconcile_seconds = Histogram(
            "pai_reconcile_seconds",
            "Time of one look at an agent",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.reconcile_errors = Counter(
            "pai_reconcile_errors", "Looks that failed", registry=registry
        )
        self.queue = Gauge(
            "pai_reconcile_queue", "Agents whose time to be looked at has come", registry=registry
        )
        self.leader = Gauge("pai_leader", "1 while this replica leads", registry=registry)
        registry.register(_ApiCalls(kube))
        self.app: ASGIApp = make_asgi_app(registry)

    def looked(self, seconds: float, failed: bool, waiting: int) -> None:
        """Note one look at an agent."""
        self.reconcile_seconds.observe(seconds)
        self.reconcile_errors.inc(failed)
        self.queue.set(waiting)


class _ApiCalls(Collector):
    """Calls of the API server, as the client counts them."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def collect(self) -> list[CounterMetricFamily]:
        calls = CounterMetricFamily("pai_kube_calls", "Calls of the API server", labels=["verb"])
        for verb, count in sorted(self._kube.calls.items()):
            calls.add_metric([verb], count)
        errors = CounterMetricFamily(
            "pai_kube_errors", "Calls of the API server that failed", labels=["verb"]
        )
        for verb, count in sorted(self._kube.errors.items()):
            errors.add_metric([verb], count)
        return [calls, errors]
