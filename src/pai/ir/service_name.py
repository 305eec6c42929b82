"""Names of a cluster's Services, as people write them and as the cluster's DNS knows them."""

_SHORT, _CLUSTER = ".svc", ".cluster.local"


def full_name(host: str) -> str:
    """Return the name to ask for: search lists are not used, so `*.svc` gets its end here."""
    return host + _CLUSTER if host.endswith(_SHORT) else host
