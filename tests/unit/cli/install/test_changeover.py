"""A rollout from SQLite to a database would run two processes on one file for a moment."""

import pytest
from tests.fakes.cluster import FakeCluster

from pai.cli.failures import CommandError
from pai.cli.install import changeover, waiting
from pai.cli.install.apply import Done
from pai.cli.install.changeover import end_other_control
from pai.render.platform import Options, render_platform

SQLITE, DATABASE = Options(), Options(database="url")


async def with_control_of(options: Options) -> FakeCluster:
    cluster = FakeCluster()
    for document in render_platform(options):
        if (document["kind"], document["metadata"]["name"]) == ("Deployment", "pai-control"):
            await cluster.apply(document, manager="pai-install")
    cluster.writes.clear()
    return cluster


async def change(cluster: FakeCluster, options: Options) -> list[Done]:
    done: list[Done] = []
    await end_other_control(cluster, options, done.append)  # type: ignore[arg-type]
    return done


@pytest.mark.parametrize(("before", "after"), [(SQLITE, DATABASE), (DATABASE, SQLITE)])
async def test_the_control_of_the_other_kind_ends_first(before: Options, after: Options) -> None:
    cluster = await with_control_of(before)
    assert await change(cluster, after) == [Done("Deployment", "pai-control", "deleted")]
    assert cluster.named("Deployment", "pai-control") is None


@pytest.mark.parametrize("options", [SQLITE, DATABASE])
async def test_the_same_kind_is_rolled_out(options: Options) -> None:
    cluster = await with_control_of(options)
    assert await change(cluster, options) == []
    assert await change(FakeCluster(), options) == []
    assert cluster.writes == []


async def test_pods_that_do_not_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(changeover, "_SECONDS", 0.01)
    cluster = await with_control_of(SQLITE)

    async def begins(*_words: object, **_more: object) -> bool:
        return True

    monkeypatch.setattr(cluster, "delete", begins)
    with pytest.raises(CommandError, match="pods do not end"):
        await change(cluster, DATABASE)
