from pai.gateway.exposition import exposed, histogram, labels, sample

FAMILIES = {"a_total": ("counter", "What a is"), "b": ("gauge", "What b is")}


def test_each_family_is_told_once_with_the_lines_of_all_parts() -> None:
    pieces = [sample("a_total", labels(worker=each), 1) for each in ("0", "1")]
    parts = [{name: lines.encode()} for name, lines in [*pieces, ("unknown", "x 1\n")]]
    assert exposed(FAMILIES, parts).decode() == (
        "# HELP a_total What a is\n# TYPE a_total counter\n"
        'a_total{worker="0"} 1\na_total{worker="1"} 1\n'
        "# HELP b What b is\n# TYPE b gauge\n"
    )


def test_buckets_are_sums_and_an_empty_histogram_is_nothing() -> None:
    name, lines = histogram("h", labels(x='"'), (0.5, 1), [1, 2, 3], 9.5)
    assert name == "h"
    assert lines.splitlines() == [
        'h_bucket{x="\\"",le="0.5"} 1',
        'h_bucket{x="\\"",le="1"} 3',
        'h_bucket{x="\\"",le="+Inf"} 6',
        'h_sum{x="\\""} 9.5',
        'h_count{x="\\""} 6',
    ]
    assert histogram("h", "", (1,), [0, 0], 0.0) == ("h", "")
