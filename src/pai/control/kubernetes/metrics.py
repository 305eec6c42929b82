"""What a control replica on a cluster measures of itself, for Prometheus."""

from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from pai.control.metrics import Metrics
from pai.kube import Kube


class ClusterMetrics(Metrics):
    """Registered once a process."""

    def __init__(self, kube: Kube) -> None:
        super().__init__()
        self.leader = Gauge("pai_leader", "1 while this replica leads", registry=self.registry)
        self.registry.register(_ApiCalls(kube))


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
