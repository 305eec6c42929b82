"""Platform settings: one small TOML file in the data directory, and flags of `pai up`.

Shape: docs/settings.md lists every field with its default; a test keeps both equal.
"""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from pai.errors import SpecError


class Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Everything that is decided once for a platform and not for an agent."""

    api_port: int = 8080
    gateway_port: int = 8000
    edge_port: int = 8090
    internal_port: int = 8010
    gateway_workers: int = 2
    edge_workers: int = 1
    public: bool = False
    domain: str = "localhost"
    engine: str = "auto"  # auto, docker, podman, or unix:///path/to/socket
    image: str = "localhost/pai:latest"
    default_max_tokens_per_day: int = 1_000_000
    default_max_tokens_per_request: int = 200_000
    wait_for_budget_seconds: float = 30.0
    private_upstreams: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()  # empty: those of the machine
    static_hosts: dict[str, str] = {}
    extra_ca_file: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    agent_ports_from: int = 20000
    uncounted_input: str = "learn"  # learn, or refuse: what no vendor counted
    url_scheme: str = "http"  # of agents' URLs, as people outside see them
    url_port: int = 0  # likewise; 0: edge_port
    otlp_endpoint: str | None = None  # base URL of a collector: a span for each call of a model
    trace_sample_ratio: float = 1.0  # part of the calls that get one
    system_namespace: str = "pai-system"  # of the platform itself, on Kubernetes
    restricted: bool = False  # pods without packet rules, as Pod Security `restricted` demands
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    cluster_ranges: tuple[str, ...] = ()  # of pods and Services: never upstreams
    replica_storage_class: str | None = None  # of agents that name none; None: the cluster's own


def check_telemetry(endpoint: str | None, ratio: float) -> None:
    """Raise SpecError for what can't be the base URL of a collector, or is no part of a whole."""
    if not 0.0 <= ratio <= 1.0:
        raise SpecError(f"traceSampleRatio: {ratio} is not a part of all calls", hint="0 to 1")
    if not endpoint:
        return
    try:
        parts = urlsplit(endpoint)
        plain = not (parts.query or parts.fragment or "@" in parts.netloc) and endpoint.isascii()
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and plain
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in endpoint):
        raise SpecError(  # not quoted: people put tokens into URLs
            "otlpEndpoint: not the base URL of a collector",
            hint="http://HOST:4318, no user, no query; /v1/traces is added",
        )
