"""Which entry of a Secret is taken."""

import pytest

from pai.errors import RefNotFoundError
from pai.ir.provider import SecretRef
from pai.translate.secrets import chosen_key, secret_ref


@pytest.mark.parametrize(
    ("wanted", "keys", "chosen"),
    [
        ("token", ["token", "api-key"], "token"),
        ("token", ["api-key", "other"], "api-key"),
        ("token", ["other"], "other"),
        ("token", ["one", "two"], None),
        ("token", [], None),
        ("mine", ["mine", "token"], "mine"),
        ("mine", ["token"], None),
        ("mine", ["api-key"], None),
    ],
)
def test_token_stands_for_the_obvious_entry(
    wanted: str, keys: list[str], chosen: str | None
) -> None:
    assert chosen_key(wanted, keys) == chosen


def test_what_is_missing_is_named_with_its_path() -> None:
    known = {"crm": ["a", "b"]}
    assert secret_ref("crm", "a", known, "n", "k") == SecretRef("crm", "a")
    no_secret = secret_ref("crn", "a", known, "n", "k")
    assert isinstance(no_secret, RefNotFoundError)
    assert (str(no_secret), no_secret.hint) == ("n: no Secret named 'crn'", "did you mean 'crm'?")
    no_entry = secret_ref("crm", "c", known, "n", "k")
    assert str(no_entry) == "k: no entry in Secret 'crm' named 'c'"
