"""What wrk prints, and what it is told."""

import pytest
from bench.call import Call
from bench.load import found, latency, refused, script_of

PRINTED = """\
Running 5s test @ http://127.0.0.1:1/v1/chat/completions
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.53ms    0.91ms  15.02ms   95.00%
    Req/Sec    10.55k   512.00    11.20k    70.00%
  Latency Distribution
     50%  273.00us
     75%    1.61ms
     90%    1.80ms
     99%    1.02s
  52512 requests in 5.01s, 45.57MB read
  Non-2xx or 3xx responses: 7
Requests/sec:  10481.75
Transfer/sec:      9.10MB
"""


def test_figures_are_read_in_their_units() -> None:
    assert latency("50%", PRINTED) == 273.0
    assert latency("75%", PRINTED) == pytest.approx(1610.0)
    assert latency("99%", PRINTED) == pytest.approx(1.02e6)
    assert found(r"(\d+) requests in", PRINTED) == "52512"
    assert refused(PRINTED) == 7
    assert refused("Requests/sec: 1") == 0
    assert refused("  Socket errors: connect 1, read 2, write 4, timeout 100\n") == 7


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no 99%"):
        latency("99%", "")
    with pytest.raises(RuntimeError, match="printed no"):
        found(r"(\d+) requests in", "")


def test_a_script_sends_body_and_headers() -> None:
    script = script_of(Call(1, '{"a":1}', {"authorization": "Bearer t"}, host="x"))
    assert 'wrk.body = [[{"a":1}]]' in script
    assert 'wrk.headers["Host"] = "x"' in script
    assert 'wrk.headers["authorization"] = "Bearer t"' in script
