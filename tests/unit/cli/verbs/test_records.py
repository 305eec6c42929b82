import json
from datetime import UTC, datetime

import pytest
from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

from pai.cli.verbs import records

USAGE = "/api/v1/namespaces/default/usage"
AUDIT = "/api/v1/namespaces/default/audit"


@pytest.mark.parametrize(
    ("since", "day"),
    [("0d", "2026-03-01"), ("7d", "2026-02-22"), ("2026-01-31", "2026-01-31")],
)
def test_since(
    since: str, day: str, pai: Pai, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "utc_now", lambda: datetime(2026, 3, 1, 0, 5, tzinfo=UTC))
    control.answers["GET", USAGE] = (200, {"items": []})
    done = pai("usage", "a", "--since", since, "--by", "day")
    assert (done.code, done.out) == (0, "nothing was used\n")
    assert control.queries[-1] == {"since": [day], "agent": ["a"], "by": ["day"]}


def test_usage_as_csv_is_the_platform_s_own(pai: Pai, control: FakeControl) -> None:
    control.answers["GET", USAGE] = (200, "agent,cost\na,1.5\n\x1b[2J")
    done = pai("usage", "--since", "2026-01-31", "-o", "csv")
    assert (done.code, done.out) == (0, "agent,cost\na,1.5\n")
    assert control.queries[-1] == {"since": ["2026-01-31"], "format": ["csv"]}


def test_usage_has_no_names_to_list(pai: Pai) -> None:
    assert pai("usage", "-o", "name").code == 2


def test_audit_as_data_is_a_list(pai: Pai, control: FakeControl) -> None:
    control.answers["GET", AUDIT] = (200, {"items": [{"decision": "denied"}]})
    done = pai("audit", "a", "-o", "json", "--limit", "7")
    assert json.loads(done.out) == [{"decision": "denied"}]
    assert control.queries[-1] == {"limit": ["7"], "agent": ["a"]}
    assert pai("audit", "-o", "yaml").out == "- decision: denied\n"
