"""Candidates for one Lease, through kills, outages and clocks that disagree."""

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.kube_api import KubeApi, refusal

from pai.kube import Leadership
from pai.wire.tasks import spawn

PATH = "/apis/coordination.k8s.io/v1/namespaces/n/leases/control"
LEASE_SECONDS = 1


class Candidate:
    """A replica that notes when it led; skew: of its clock."""

    def __init__(self, api: KubeApi, name: str, skew: timedelta = timedelta()) -> None:
        self.api = api
        self.led: list[tuple[float, float]] = []
        self.began: float | None = None
        self.leadership = Leadership(
            api.kube(),
            "n",
            "control",
            name,
            lambda: datetime.now(UTC) + skew,  # noqa: TID251
            LEASE_SECONDS,
            0.3,
            0.1,
        )
        self.task = spawn(self.leadership.run(self.lead), name)

    async def lead(self) -> None:
        self.began = time.monotonic()
        try:
            await asyncio.sleep(3600)
        finally:
            self.led.append((self.began, time.monotonic()))
            self.began = None

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def leads(candidate: Candidate, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while candidate.began is None:
            await asyncio.sleep(0.01)


def never_together(*candidates: Candidate) -> bool:
    spans = sorted(span for candidate in candidates for span in candidate.led)
    return all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


async def test_one_leads_and_the_other_follows_at_once_when_it_closes() -> None:
    api = KubeApi()
    first = Candidate(api, "first", timedelta(days=400))
    await leads(first)
    second = Candidate(api, "second", timedelta(days=-400))
    await asyncio.sleep(LEASE_SECONDS * 2)
    assert second.began is None and first.leadership.leading and not second.leadership.leading
    assert second.leadership.holder == "first"
    await first.stop()
    assert api.objects[PATH]["spec"]["holderIdentity"] == ""
    await leads(second, 0.5)
    await second.stop()
    assert never_together(first, second)
    assert api.objects[PATH]["spec"]["leaseTransitions"] == 1


async def test_one_that_dies_is_followed_after_its_time() -> None:
    api = KubeApi()
    dead = api.put(PATH, {"spec": {"holderIdentity": "dead", "leaseDurationSeconds": 1}})
    assert dead["metadata"]["name"] == "control"
    began = time.monotonic()
    second = Candidate(api, "second")
    await leads(second)
    assert LEASE_SECONDS <= time.monotonic() - began < LEASE_SECONDS + 0.5
    await second.stop()


async def test_a_leader_that_can_not_renew_stops_in_time() -> None:
    api = KubeApi()
    first = Candidate(api, "first")
    await leads(first)
    began = time.monotonic()
    api.broken = True
    async with asyncio.timeout(5):
        while first.began is not None:
            await asyncio.sleep(0.01)
    assert time.monotonic() - began <= LEASE_SECONDS
    second = Candidate(api, "second")
    await asyncio.sleep(0.3)
    api.broken = False
    async with asyncio.timeout(5):
        while first.began is None and second.began is None:
            await asyncio.sleep(0.01)
    await first.stop()
    await second.stop()
    assert never_together(first, second)


async def test_errors_that_pass_are_outlived() -> None:
    api = KubeApi()
    first = Candidate(api, "first")
    await leads(first)
    for code in (500, 429, 503):
        api.faults["PATCH"] = [refusal(code, "InternalError", "no")]
        await asyncio.sleep(LEASE_SECONDS * 0.8)
    assert first.began is not None and first.led == []
    await first.stop()


async def test_a_lease_that_another_took_is_not_fought_for() -> None:
    api = KubeApi()
    first = Candidate(api, "first")
    await leads(first)
    spec = {"holderIdentity": "thief", "leaseDurationSeconds": 1, "renewTime": "x"}
    api.put(PATH, {"spec": spec})
    async with asyncio.timeout(1):
        while first.began is not None:
            await asyncio.sleep(0.01)
    assert first.leadership.holder == "thief"
    await first.stop()
    assert api.objects[PATH]["spec"]["holderIdentity"] == "thief"


async def test_the_end_of_what_led_is_the_end() -> None:
    api = KubeApi()

    async def fails() -> None:
        raise LookupError("a bug")

    leadership = Leadership(
        api.kube(),
        "n",
        "control",
        "me",
        lambda: datetime(2026, 5, 1, tzinfo=UTC),
        LEASE_SECONDS,
        0.3,
        0.1,
    )
    with pytest.raises(LookupError):
        await leadership.run(fails)
    assert api.objects[PATH]["spec"]["holderIdentity"] == ""
    assert not leadership.leading
