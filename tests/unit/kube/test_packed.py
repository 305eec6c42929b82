from typing import Any

from pai.kube.packed import PackedObjects

KEY = ("team", "a")
FOUND: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"k": "ü"}},
    "spec": {"n": 1, "x": None},
}


def test_what_was_put_in_comes_out_and_is_the_reader_s_own() -> None:
    held = PackedObjects()
    held[KEY] = FOUND
    assert held[KEY] == FOUND
    assert held.get(("team", "b")) is None
    held[KEY]["metadata"]["name"] = "changed"
    FOUND["spec"]["n"] = 2
    assert held[KEY]["metadata"]["name"] == "a"
    assert held[KEY]["spec"]["n"] == 1


def test_it_is_a_mapping() -> None:
    held = PackedObjects()
    held[KEY] = FOUND
    assert (KEY in held, len(held), list(held)) == (True, 1, [KEY])
    assert held.pop(KEY) == FOUND | {"spec": {"n": FOUND["spec"]["n"], "x": None}}
    assert KEY not in held
