"""Lead while a Lease is held: one replica writes, the others wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from pai.errors import PaiError
from pai.kube.client import Kube
from pai.kube.election import (
    Seen,
    Terms,
    new_lease,
    releasing,
    seen,
    taking,
    wait_seconds,
)
from pai.kube.errors import KubeRefusedError
from pai.kube.kinds import LEASES, Json
from pai.wire import log
from pai.wire.tasks import spawn

_MANAGER = "pai-control"
_CONFLICT = 409
_RELEASE_SECONDS = 3.0


class Leadership:
    """A candidate for one Lease. identity: unlike any other candidate's, also after a restart.

    now: for people who read the Lease; nothing is decided by it.
    """

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        name: str,
        identity: str,
        now: Callable[[], datetime],
        lease_seconds: int = 15,
        renew_seconds: float = 5.0,
        retry_seconds: float = 2.0,
    ) -> None:
        self._kube = kube
        self._place = (namespace, name)
        self._identity = identity
        self._now = now
        self._terms = Terms(lease_seconds, renew_seconds, retry_seconds)
        self._seen: Seen | None = None
        self._renewed = 0.0
        self._leads = False

    @property
    def leading(self) -> bool:
        """Whether this replica leads now; False too when it only has not noticed the end yet."""
        late = time.monotonic() - self._renewed >= self._terms.lease_seconds
        return self._leads and not late

    @property
    def holder(self) -> str:
        """Who held the Lease when it was last seen, "" = nobody."""
        return self._seen.holder if self._seen else ""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Run `lead` whenever the Lease is held, and cancel it when it can't be kept.

        Ends when `lead` does, in the same way, or when cancelled; lets go of the Lease then.
        """
        while True:
            while not await self._try():
                await asyncio.sleep(self._pause())
            if await self._lead(lead):
                return

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> bool:
        """Lead until the Lease is lost (False) or `lead` ends (True)."""
        log.info("leading", identity=self._identity)
        self._leads = True
        work = asyncio.ensure_future(lead())
        keeping = asyncio.ensure_future(self._keep())
        lost = False
        try:
            await asyncio.wait({work, keeping}, return_when=asyncio.FIRST_COMPLETED)
            lost = not work.done()
        finally:
            await self._stop(work, keeping)
            self._leads = False
            if not lost:
                # Shielded: the one who waits for the Lease should get it though we are cancelled.
                await asyncio.shield(spawn(self._release(), "release-lease"))
        if lost:
            keeping.result()
            if not work.cancelled() and (failure := work.exception()):
                log.crash("what led did not end well", failure)
            return False
        work.result()
        return True

    async def _stop(self, *tasks: "asyncio.Future[None]") -> None:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        late = time.monotonic() - self._renewed - self._terms.lease_seconds
        if late > 0:
            log.error("stopped leading too late", late_seconds=round(late, 1))

    async def _keep(self) -> None:
        """Renew the Lease; return when it is lost, or might be before we could know."""
        terms = self._terms
        while True:
            await asyncio.sleep(terms.renew_seconds)
            while not await self._try(self._renewed + terms.give_up_seconds - time.monotonic()):
                left = self._renewed + terms.give_up_seconds - time.monotonic()
                if self.holder != self._identity or left <= 0:
                    log.warning("lost the lease", identity=self._identity, holder=self.holder)
                    return
                await asyncio.sleep(min(terms.retry_seconds, left))

    async def _try(self, seconds: float | None = None) -> bool:
        """Take or renew the Lease; False when someone has it, or the API server fails."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._terms.lease_seconds if seconds is None else seconds):
                taken = await self._take()
        except (PaiError, TimeoutError) as error:
            log.debug("lease not taken", error=type(error).__name__)
            return False
        if taken:
            # From before the call: others count from when they see it, which is later.
            self._renewed = began
        return taken

    async def _take(self) -> bool:
        namespace, name = self._place
        if not (self._leads and self._seen):
            lease = await self._kube.get(LEASES, name, namespace)
            if lease is None:
                self._seen = None
                wish = new_lease(namespace, name, self._identity, self._now(), self._terms)
                return self._note(await self._kube.create(wish, manager=_MANAGER))
            self._note(lease)
        assert self._seen is not None
        if wait_seconds(self._seen, self._identity, time.monotonic(), self._terms) > 0:
            return False
        patch = taking(self._seen, self._identity, self._now(), self._terms)
        try:
            return self._note(
                await self._kube.patch(LEASES, name, namespace, patch, manager=_MANAGER)
            )
        except KubeRefusedError as error:
            if error.status == _CONFLICT:
                await self._look()
            raise

    async def _look(self) -> None:
        """See who was faster."""
        lease = await self._kube.get(LEASES, self._place[1], self._place[0])
        if lease is not None:
            self._note(lease)

    def _note(self, lease: Json) -> bool:
        self._seen = seen(lease, self._seen, time.monotonic())
        return self._seen.holder == self._identity

    def _pause(self) -> float:
        if self._seen is None:
            return self._terms.retry_seconds
        left = wait_seconds(self._seen, self._identity, time.monotonic(), self._terms)
        return min(self._terms.retry_seconds, left) if left > 0 else self._terms.retry_seconds

    async def _release(self) -> None:
        if self._seen is None or self._seen.holder != self._identity:
            return
        namespace, name = self._place
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                patch = releasing(self._seen, self._now())
                await self._kube.patch(LEASES, name, namespace, patch, manager=_MANAGER)
        except (PaiError, TimeoutError):
            log.warning("lease not released", identity=self._identity)
