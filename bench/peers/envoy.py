"""Envoy, twice: plain proxying, and as much of the gateway's job as its own filters do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.call import bearer
from bench.peers.place import program
from bench.process import free_port, running
from bench.target import Target, Way

Node = dict[str, Any]

_TOKEN = "bench-agent-token"
_KEY = "sk-bench-key-0123456789"
_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
_USAGE = {"metadata_namespace": "usage", "key": "total", "type": "NUMBER"}


@contextmanager
def envoy(folder: Path, upstream: int) -> Iterator[Target]:
    """Run Envoy with nothing but its router."""
    with _envoy(folder, upstream, "envoy", [], {}, []) as target:
        yield target


@contextmanager
def envoy_full(folder: Path, upstream: int) -> Iterator[Target]:
    """Run Envoy with filters: who asks, which model, the vendor's key, usage into a log.

    Budgets, caps, another model's name in the body and retries on the vendor's word it can't do
    without a service beside it; its job is the smaller one.
    """
    route = {"request_headers_to_add": [_header("authorization", f"Bearer {_KEY}")]}
    filters = [_api_key(), _json_to_metadata(), _sse_to_metadata()]
    with _envoy(folder, upstream, "envoy full", filters, route, [_usage_log(folder)]) as target:
        yield target


@contextmanager
def _envoy(
    folder: Path, upstream: int, name: str, filters: list[Node], route: Node, logs: list[Node]
) -> Iterator[Target]:
    port = free_port()
    config = folder / "envoy.json"
    config.write_text(json.dumps(_config(port, upstream, filters, route, logs), indent=1))
    command = [program("envoy", "envoy"), "-c", str(config), "--concurrency", "1"]
    command += ["--use-dynamic-base-id", "--log-level", "warning"]
    with running(command, ready=port, cpu=0, log=folder / "envoy.log") as started:
        way = Way("gpt-test", bearer(_TOKEN))
        yield Target(name, port, started, way, idle_mib=started.rss_mib())


def _config(port: int, upstream: int, filters: list[Node], route: Node, logs: list[Node]) -> Node:
    router = {"name": "router", "typed_config": {"@type": f"{_FILTERS}.router.v3.Router"}}
    to_mock = {"match": {"prefix": "/"}, "route": {"cluster": "mock", "timeout": "0s"}, **route}
    connections: Node = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [to_mock]}]},
        "http_filters": [*filters, router],
        "access_log": logs,
    }
    manager = {"name": "http", "typed_config": connections}
    listener = {"address": _address(port), "filter_chains": [{"filters": [manager]}]}
    endpoint = {"endpoint": {"address": _address(upstream)}}
    many = [{"max_connections": 4096, "max_requests": 4096, "max_pending_requests": 4096}]
    cluster = {
        "name": "mock",
        "type": "STATIC",
        "circuit_breakers": {"thresholds": many},
        "load_assignment": {
            "cluster_name": "mock",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> Node:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _header(name: str, value: str) -> Node:
    action = "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": name, "value": value}, "append_action": action}


def _filter(name: str, version: str, **config: object) -> Node:
    return {"name": name, "typed_config": {"@type": f"{_FILTERS}.{name}.v3.{version}", **config}}


def _api_key() -> Node:
    return _filter(
        "api_key_auth",
        "ApiKeyAuth",
        credentials=[{"key": _TOKEN, "client": "agent"}],
        key_sources=[{"header": "authorization"}],
    )


def _json_to_metadata() -> Node:
    model = {"metadata_namespace": "asked", "key": "model"}
    return _filter(
        "json_to_metadata",
        "JsonToMetadata",
        request_rules={"rules": [{"selectors": [{"key": "model"}], "on_present": model}]},
        response_rules={
            "rules": [
                {"selectors": [{"key": "usage"}, {"key": "total_tokens"}], "on_present": _USAGE}
            ]
        },
    )


def _sse_to_metadata() -> Node:
    """Source: envoyproxy.io, SSE-To-Metadata filter."""
    total = {"selectors": [{"key": "usage"}, {"key": "total_tokens"}], "on_present": _USAGE}
    parser = {
        "@type": "type.googleapis.com/envoy.extensions.content_parsers.json.v3.JsonContentParser",
        "rules": [{"rule": total}],
    }
    return _filter(
        "sse_to_metadata",
        "SseToMetadata",
        response_rules={"content_parser": {"name": "json", "typed_config": parser}},
    )


def _usage_log(folder: Path) -> Node:
    line = "%DYNAMIC_METADATA(asked:model)% %DYNAMIC_METADATA(usage:total)%\n"
    return {
        "name": "usage",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(folder / "usage.txt"),
            "log_format": {"text_format_source": {"inline_string": line}},
        },
    }
