"""Who may lead, as a Lease tells it: the thinking. Pure.

As in client-go: no clock of another machine is believed. A candidate counts the lease's duration
on its own clock, from when it saw the record change last; the leader counts from before it sent
its last renewal, so its time ends before anyone else's wait does, as long as clocks run at the
same rate.
Source: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
"""

from datetime import datetime
from typing import NamedTuple

from pai.kube.kinds import LEASES, Json


class Terms(NamedTuple):
    """How long a lease lasts, how often it is renewed, and tried again after a failure."""

    lease_seconds: int = 15
    renew_seconds: float = 5.0
    retry_seconds: float = 2.0

    @property
    def give_up_seconds(self) -> float:
        """How long after its last good renewal a leader stops, and leaves time to stop in."""
        return self.lease_seconds - self.renew_seconds


class Seen(NamedTuple):
    """A Lease as it was seen, and when by our own clock (monotonic seconds) it last changed."""

    lease: Json
    since: float

    @property
    def holder(self) -> str:
        """Who holds it, "" = nobody."""
        return str((self.lease.get("spec") or {}).get("holderIdentity") or "")

    @property
    def version(self) -> str:
        """Its resource version."""
        return str(self.lease["metadata"].get("resourceVersion", ""))


def seen(lease: Json, before: Seen | None, clock: float) -> Seen:
    """Return the Lease as seen at `clock`; one that is as it was keeps its age."""
    now_seen = Seen(lease, clock)
    if before is not None and before.lease.get("spec") == lease.get("spec"):
        return now_seen._replace(since=before.since)
    return now_seen


def wait_seconds(found: Seen, identity: str, clock: float, terms: Terms) -> float:
    """Return how long to wait before taking the Lease; 0 = it may be taken now."""
    if found.holder in ("", identity):
        return 0.0
    lasts = (found.lease.get("spec") or {}).get("leaseDurationSeconds") or terms.lease_seconds
    # A holder that promises less than we know of is not believed.
    return max(found.since + max(float(lasts), terms.lease_seconds) - clock, 0.0)


def new_lease(namespace: str, name: str, identity: str, now: datetime, terms: Terms) -> Json:
    """Return a Lease to create, held by `identity`."""
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**_held(identity, now, terms), "leaseTransitions": 0},
    }


def taking(found: Seen, identity: str, now: datetime, terms: Terms) -> Json:
    """Return the patch by which `identity` takes or renews the Lease, if nobody else did."""
    spec = _held(identity, now, terms)
    if found.holder == identity:
        del spec["acquireTime"]
    else:
        before = (found.lease.get("spec") or {}).get("leaseTransitions") or 0
        spec["leaseTransitions"] = int(before) + 1
    return {"metadata": {"resourceVersion": found.version}, "spec": spec}


def releasing(found: Seen, now: datetime) -> Json:
    """Return the patch by which the leader lets go, so that another need not wait."""
    spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro(now)}
    return {"metadata": {"resourceVersion": found.version}, "spec": spec}


def _held(identity: str, now: datetime, terms: Terms) -> Json:
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": terms.lease_seconds,
        "acquireTime": _micro(now),
        "renewTime": _micro(now),
    }


def _micro(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
