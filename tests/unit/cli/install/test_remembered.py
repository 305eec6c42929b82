import pytest
from tests.fakes.cluster import FakeCluster

from pai.cli.failures import CommandError
from pai.cli.install.flags import EdgeService, plain
from pai.cli.install.remembered import document, remembered, with_given
from pai.render.platform import Options


async def test_options_come_back_as_they_were_kept() -> None:
    cluster, options = FakeCluster(), Options(domain="a.example", image_pull_secrets=("r",))
    assert await remembered(cluster, "pai-system") is None  # type: ignore[arg-type]
    await cluster.apply(document(options), manager="pai-install")
    assert await remembered(cluster, "pai-system") == options  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [{}, {"options.json": "{"}, {"options.json": '{"later": 1}'}])
async def test_what_can_not_be_read_is_not_guessed(data: dict[str, str]) -> None:
    cluster = FakeCluster()
    cluster.put({**document(Options()), "data": data})
    with pytest.raises(CommandError, match="pai-install") as caught:
        await remembered(cluster, "pai-system")  # type: ignore[arg-type]
    assert "delete configmap" in (caught.value.hint or "")


def test_flags_that_were_given_win_and_the_others_stay() -> None:
    before = Options(domain="a.example", gateway_replicas=4)
    flags = {"domain": None, "edge_service": EdgeService.NODE_PORT, "image_pull_secrets": ["a"]}
    after = with_given(before, plain(flags))
    assert (after.domain, after.gateway_replicas) == ("a.example", 4)
    assert (after.edge_service, after.image_pull_secrets) == ("NodePort", ("a",))
    assert type(after.edge_service) is str


def test_one_empty_text_empties_a_list_and_a_certificate_means_https() -> None:
    assert plain({"private_upstreams": [""]}) == {"private_upstreams": ()}
    assert with_given(Options(), {"tls_secret": "t"}).url_scheme == "https"
