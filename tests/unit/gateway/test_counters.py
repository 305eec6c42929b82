from pai.gateway.counters import Counters


def test_every_figure_is_shown_with_its_worker() -> None:
    counters = Counters()
    for status in (200, 429, 200):
        counters.answered(status)
    counters.client_gone = 3
    lines = counters.text("w1", 4, 5).decode().splitlines()
    assert 'pai_gateway_requests_total{worker="w1",status="200"} 2' in lines
    assert 'pai_gateway_requests_total{worker="w1",status="429"} 1' in lines
    assert 'pai_gateway_client_gone_total{worker="w1"} 3' in lines
    assert 'pai_gateway_waiting{worker="w1"} 4' in lines
    assert 'pai_gateway_ledger_failures{worker="w1"} 5' in lines
    assert all(line.startswith(("#", "pai_gateway_")) for line in lines)
