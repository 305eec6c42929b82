"""Address blocks at their edges."""

from pai.render.kubernetes.blocks import outside, source_ranges


def cidrs(peers: list[object]) -> list[str]:
    return [peer["ipBlock"]["cidr"] for peer in peers]  # type: ignore[index]


def test_sources_are_canonical_and_without_mapped_ones() -> None:
    given = ["2001:DB8::/32", "10.0.0.0/8", "::ffff:10.0.0.0/104", "10.0.0.0/8"]
    assert source_ranges(given) == ["10.0.0.0/8", "2001:db8::/32"]
    assert source_ranges(["::/0"]) == ["::/0"]


def test_the_outside_is_what_is_routed_and_nobodys_own() -> None:
    four, six = outside((), ())
    assert cidrs([four, six]) == ["0.0.0.0/0", "2000::/3"]
    assert "169.254.0.0/16" in four["ipBlock"]["except"]
    assert "2001:db8::/32" in six["ipBlock"]["except"]


def test_private_upstreams_open_private_ranges_alone() -> None:
    opened = outside((), ("8.8.8.0/24", "10.1.0.0/16", "127.0.0.0/8", "169.254.0.0/16"))
    assert cidrs(opened) == ["0.0.0.0/0", "2000::/3", "10.1.0.0/16"]


def test_a_wide_upstream_opens_each_private_range() -> None:
    opened = cidrs(outside((), ("0.0.0.0/0",)))[2:]
    assert opened == [
        "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15",
    ]  # fmt: skip


def test_the_clusters_own_ranges_stay_shut_in_an_upstream() -> None:
    *_, own = outside(("10.96.0.0/12",), ("10.0.0.0/8",))
    assert own == {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.96.0.0/12"]}}
    assert cidrs(outside(("10.0.0.0/8",), ("10.96.0.0/12",))) == ["0.0.0.0/0", "2000::/3"]


def test_a_cluster_that_is_everything_leaves_nothing_outside() -> None:
    assert outside(("0.0.0.0/0", "::/0"), ("10.0.0.0/8",)) == []
    assert cidrs(outside(("0.0.0.0/1", "128.0.0.0/1"), ())) == ["2000::/3"]


def test_host_bits_do_no_harm() -> None:
    four, *_ = outside(("203.0.114.7/24",), ())
    assert "203.0.114.0/24" in four["ipBlock"]["except"]
