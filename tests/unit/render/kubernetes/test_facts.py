"""Facts that no rule can be made of are refused."""

import pytest

from pai.render.kubernetes import Facts


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cluster_ranges", ("10.0.0.0/33",)),
        ("private_upstreams", ("home",)),
    ],
)
def test_what_is_no_address_is_refused_by_name(field: str, value: tuple[str, ...]) -> None:
    fields = {"instance": "i", "image": "i", "ca_pem": "", "url": "", field: value}
    with pytest.raises(ValueError, match=field):
        Facts(**fields)  # type: ignore[arg-type]


def test_an_ambiguous_instance_is_refused() -> None:
    with pytest.raises(ValueError, match="want 1 to 10"):
        Facts(instance="A", image="i", ca_pem="", url="")
