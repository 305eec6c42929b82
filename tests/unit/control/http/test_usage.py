"""Usage as the API tells it: rows, sums, CSV."""

import csv
import io

import pytest

from pai.control.http.usage import COLUMNS, Row, as_csv, grouped, has_price, rows_of
from pai.ir.ledger import Usage
from pai.ledger.balance import Balance

TODAY = "2026-03-02"
USAGES = [
    Usage(agent="team/a", model="team/gpt", day="2026-03-01", requests=1, input=5, output=5),
    Usage(
        agent="team/a",
        model="team/gpt",
        day=TODAY,
        requests=2,
        input=100,
        cached=10,
        output=50,
        reasoning=20,
        cost_microusd=1_500_000,
        estimated=1,
        first_byte_ms=800,
        duration_ms=2_000,
    ),
    Usage(agent="team/a", model="team/own", day=TODAY, requests=3, input=1, output=1),
    Usage(agent="teams/b", model="teams/gpt", day=TODAY, requests=9),
]
BALANCES = {"agent:team/a": Balance(subject="agent:team/a", day=TODAY, reserved=70)}


@pytest.fixture
def rows() -> list[Row]:
    return rows_of(USAGES, "team", BALANCES, TODAY, lambda binding: binding == "gpt")


def test_rows_are_of_one_namespace_and_name_things_without_it(rows: list[Row]) -> None:
    assert [(row["agent"], row["model"], row["day"]) for row in rows] == [
        ("a", "gpt", "2026-03-01"),
        ("a", "gpt", TODAY),
        ("a", "own", TODAY),
    ]
    assert [row["reserved"] for row in rows] == [0, 70, 0]
    assert [row["priced"] for row in rows] == [True, True, False]
    assert rows[1] == {
        "agent": "a",
        "model": "gpt",
        "day": TODAY,
        "requests": 2,
        "input": 100,
        "cached": 10,
        "output": 50,
        "reasoning": 20,
        "reserved": 70,
        "cost": 1.5,
        "estimated": 1,
        "firstByteMs": 800,
        "durationMs": 2_000,
        "priced": True,
    }


@pytest.mark.parametrize(
    ("by", "names", "requests", "priced"),
    [
        ("agent", [("a", "", "")], [6], [False]),
        ("model", [("", "gpt", ""), ("", "own", "")], [3, 3], [True, False]),
        ("day", [("", "", "2026-03-01"), ("", "", TODAY)], [1, 5], [True, False]),
    ],
)
def test_sums_by_one_name(
    rows: list[Row],
    by: str,
    names: list[tuple[str, str, str]],
    requests: list[int],
    priced: list[bool],
) -> None:
    found = grouped(rows, by)
    assert [(row["agent"], row["model"], row["day"]) for row in found] == names
    assert [row["requests"] for row in found] == requests
    assert [row["priced"] for row in found] == priced
    assert sum(row["cost"] for row in found) == 1.5
    assert grouped(rows, None) == rows
    assert rows[0]["model"] == "gpt"  # what is summed up stays as it was


def test_csv_has_a_line_of_names_and_one_a_row(rows: list[Row]) -> None:
    text = as_csv(rows)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    read = list(csv.DictReader(io.StringIO(text)))
    assert [each["input"] for each in read] == ["5", "100", "1"]
    assert (read[1]["cost"], read[1]["priced"], read[2]["priced"]) == ("1.5", "true", "false")
    assert as_csv([]) == ",".join(COLUMNS) + "\n"


def test_a_binding_has_a_price_of_its_own_or_the_shipped_one() -> None:
    assert has_price({"model": "gpt-4o"})
    assert not has_price({"model": "house-llm"})
    assert has_price({"model": "house-llm", "prices": {"input": 0, "output": 0}})
