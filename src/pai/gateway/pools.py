"""Connections to vendors, a pool for each set of time limits that bindings ask for."""

import ssl
from dataclasses import replace

from pai.ir.agent import Timeouts
from pai.ir.snapshot import Network
from pai.wire import tls
from pai.wire.client import ClientPool
from pai.wire.dial import Dialer
from pai.wire.limits import ClientLimits

_LIMITS = ClientLimits()


class Pools:
    """All pools under one network's trust; old ones are left to close by themselves."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._dialer = Dialer(network, declared=True)
        self._tls: ssl.SSLContext = tls.client_context(network.extra_ca_pem)
        self._pools: dict[Timeouts, ClientPool] = {}

    def of(self, timeouts: Timeouts) -> ClientPool:
        """Return the pool with these limits."""
        found = self._pools.get(timeouts)
        if found is None:
            limits = replace(
                _LIMITS,
                connect_seconds=timeouts.connect_seconds,
                first_byte_seconds=timeouts.first_byte_seconds,
                idle_seconds=timeouts.idle_seconds,
                total_seconds=timeouts.total_seconds,
            )
            found = self._pools[timeouts] = ClientPool(self._dialer, self._tls, limits)
        return found
