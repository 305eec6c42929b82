"""A process that stands for leader: `python -m tests.cluster.stage.candidate KUBECONFIG NAME SKEW`.

Prints `lead` and `end` with the machine's monotonic clock. SKEW: days that its clock is wrong by.
"""

import asyncio
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from pai.clock import utc_now
from pai.kube import Kube, Leadership


async def main(kubeconfig: str, name: str, skew: str) -> None:
    """Lead whenever the Lease is ours."""

    def now() -> datetime:
        return utc_now() + timedelta(days=int(skew))

    async def lead() -> None:
        print("lead", time.monotonic(), flush=True)
        try:
            await asyncio.sleep(3600)
        finally:
            print("end", time.monotonic(), flush=True)

    kube = Kube.from_kubeconfig(Path(kubeconfig))
    await Leadership(kube, "default", "candidates", name, now).run(lead)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
