"""Where the platform's own things are on a cluster, and what sidecars are told of it."""

import base64
import json
from typing import Any

import pytest
from tests.fakes.kube import FakeKube

from pai.control.identity import Identities
from pai.control.kubernetes.addresses import (
    Addresses,
    Bootstraps,
    Ranges,
    find_addresses,
    find_ranges,
)
from pai.errors import TransientError
from pai.store.instance_key import InstanceKey

IDENTITIES = Identities(InstanceKey(bytes(32)))


def service(name: str, namespace: str = "pai-system", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


async def test_services_lead_to_control_and_gateway_by_address() -> None:
    kube: Any = FakeKube()
    kube.put(service("pai-control", clusterIP="10.96.0.7"))
    with pytest.raises(TransientError, match="pai-gateway has no address"):
        await find_addresses(kube, "pai-system")
    kube.put(service("pai-gateway", clusterIP="fd00::9"))
    found = await find_addresses(kube, "pai-system")
    assert found == Addresses("https://10.96.0.7:8010", "https://[fd00::9]:8443")


async def test_the_clusters_own_ranges_are_its_own_word() -> None:
    kube: Any = FakeKube()
    cidr = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR"}
    kube.put({**cidr, "metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16"]}})
    kube.put(service("kubernetes", "default", clusterIPs=["10.96.0.1", "fd00::1"]))
    assert await find_ranges(kube) == Ranges(("10.96.0.0/16",), ("10.96.0.1/32", "fd00::1/128"))


async def test_roles_get_credentials_of_their_own() -> None:
    kube: Any = FakeKube()
    addresses = Addresses("https://10.96.0.7:8010", "https://10.96.0.8:8443")
    bootstraps = Bootstraps(addresses, "the CA", IDENTITIES)
    await bootstraps.put_roles(kube, "pai-system")
    found = {}
    for role in ("gateway", "edge"):
        held = kube.stored["Secret", "pai-system", f"pai-{role}-bootstrap"]["data"]
        content = json.loads(base64.b64decode(held["bootstrap.json"]))
        assert content["control"] == addresses.control and content["ca_pem"] == "the CA"
        found[role] = content["credential"]
    assert len({*found.values(), json.loads(bootstraps.sidecar("u1"))["credential"]}) == 3
    assert found["edge"] == IDENTITIES.role_credential("edge")
    held = kube.stored["Secret", "pai-system", "pai-metrics"]["data"]
    assert base64.b64decode(held["token"]).decode() == IDENTITIES.metrics_token()
    assert IDENTITIES.metrics_token() not in found.values()


def test_a_new_address_or_authority_is_a_new_version() -> None:
    one = Addresses("https://10.96.0.7:8010", "https://10.96.0.8:8443")
    two = Addresses("https://10.96.0.9:8010", "https://10.96.0.8:8443")
    versions = {Bootstraps(a, ca, IDENTITIES).version for a in (one, two) for ca in ("x", "y")}
    assert len(versions) == 4
