"""What control tells scrapers, and whom it tells what."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Route
from tests.unit.control.test_catalog import MODEL, World

from pai.control.ledger_door import LedgerDoor
from pai.control.metrics import PATH, Metrics, Scraping
from pai.ir.ledger import Charge, SettleCall
from pai.ledger.sqlite import SqliteLedger

TOKEN = "pai_metrics_canary"
NOW = 1_767_268_800.0  # 2026-01-01T12:00:00Z
OWN = "pai_reconcile_seconds_count"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[LedgerDoor]:
    held = SqliteLedger(tmp_path / "ledger.db")
    charges = (
        Charge("agent:default/one", "2026-01-01", 30, 30, 0),
        Charge("model:default/gpt", "2026-01-01", 30, 30, 0),
    )
    held.settle(SettleCall("w1", 1, charges), NOW)
    door = LedgerDoor(held, lambda: NOW)
    yield door
    await door.close()


@pytest.fixture
def world() -> World:
    found = World()
    found.put("ModelBinding", "gpt", {**MODEL, "maxTokensPerDay": 100})
    found.put("ModelBinding", "free", MODEL)
    found.put("AgentWorkload", "one", {"image": "i", "tokens": {"maxPerDay": 50}})
    found.put("AgentWorkload", "two", {"image": "i"})
    return found


async def asked(scraping: Scraping, authorization: str | None = None) -> httpx.Response:
    app = Starlette(routes=[Route(PATH, scraping.answer)])
    headers = {} if authorization is None else {"authorization": authorization}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as http:
        return await http.get(PATH, headers=headers)


def budgets(text: str) -> dict[tuple[str, str], float]:
    """Return figures of budgets by the middle of their name and whose they are."""
    return {
        (family.name.removeprefix("pai_budget_").removesuffix("_tokens"), owner): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if (owner := sample.labels.get("pai_agent", "") + sample.labels.get("pai_binding", ""))
    }


async def test_budgets_are_the_ledger_s_word_on_all_there_is(
    ledger: LedgerDoor, world: World
) -> None:
    scraping = Scraping(Metrics(), is_open=False)
    scraping.tell_budgets(world.catalog, ledger, TOKEN)
    answer = await asked(scraping, f"Bearer {TOKEN}")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = budgets(answer.text)
    one, gpt, two, free = "default/one", "default/gpt", "default/two", "default/free"
    assert (found["used", one], found["limit", one], found["remaining", one]) == (30, 50, 20)
    assert (found["used", gpt], found["remaining", gpt], found["reserved", gpt]) == (30, 70, 0)
    assert (found["used", two], found["remaining", two]) == (0, 1_000_000)
    assert ("used", free) in found and ("limit", free) not in found
    world.drop("AgentWorkload", "two")
    assert two not in (await asked(scraping, f"Bearer {TOKEN}")).text


async def test_names_of_agents_are_for_the_token_alone(ledger: LedgerDoor, world: World) -> None:
    for is_open in (True, False):
        scraping = Scraping(Metrics(), is_open=is_open)
        assert (await asked(scraping, f"Bearer {TOKEN}")).status_code == 401  # no ledger yet
        assert (await asked(scraping, "Bearer ")).status_code == 401
        scraping.tell_budgets(world.catalog, ledger, TOKEN)
        for wrong in ("Bearer x", TOKEN, f"Basic {TOKEN}", "", "Bearer "):
            assert (await asked(scraping, wrong)).status_code == 401
        without = await asked(scraping)
        assert without.status_code == (200 if is_open else 401)
        assert "default/" not in without.text
        assert (OWN in without.text) == is_open


async def test_looks_at_agents_are_counted(ledger: LedgerDoor, world: World) -> None:
    metrics = Metrics()
    metrics.looked(0.3, True, 4)
    text = (await asked(Scraping(metrics, is_open=True))).text
    for line in (f"{OWN} 1.0", "pai_reconcile_errors_total 1.0", "pai_reconcile_queue 4.0"):
        assert line in text.splitlines()
