"""Run a control replica on a cluster until a signal."""

import asyncio
import os
import signal

from pai.control import library_logs
from pai.control.kubernetes.assembly import ClusterControl, Options
from pai.kube import Kube
from pai.wire import log


async def run(kube: Kube, options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises SpecError, TransientError when it can't start."""
    library_logs.install()
    os.umask(0o077)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    control = ClusterControl(kube, options)
    try:
        await control.start()
        log.info("control serves", instance=control.instance, identity=options.identity)
        await control.serve_until(stop)
    finally:
        await control.close()
    log.info("control ended")
