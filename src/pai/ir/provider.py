"""An outside service an agent may call, and what it may do there."""

from typing import Literal

import msgspec

Effect = Literal["allow", "deny"]
Enforcement = Literal["enforce", "audit"]


class SecretRef(msgspec.Struct, frozen=True, order=True):
    """One entry of a Secret of the same namespace."""

    name: str
    key: str


class HttpRule(msgspec.Struct, frozen=True):
    """First match decides. methods: upper case, empty = all. paths: globs, empty = all."""

    effect: Effect
    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """Action globs and HTTP rules. `None` in place of a Policy allows all that scope permits."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    http_rules: tuple[HttpRule, ...] = ()
    mcp_allowed_tools: tuple[str, ...] = ()
    mcp_denied_tools: tuple[str, ...] = ()


class Scope(msgspec.Struct, frozen=True):
    """Globs over the thing acted upon. An empty tuple sets no limit."""

    repositories: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One Provider resource with the defaults of its type filled in.

    hosts: lower-case names, or `*.suffix`. header, prefix: where the token goes, unless `param`
    names a query parameter. env_var: variable the agent gets a dummy in, or None.
    """

    name: str
    type: str
    hosts: tuple[str, ...]
    auth_type: str
    secret: SecretRef | None
    env_var: str | None = None
    header: str = "Authorization"
    prefix: str = "Bearer "
    param: str | None = None
    region: str | None = None
    project: str | None = None
    tenant_id: str | None = None
    services: tuple[str, ...] = ()
    policy: Policy | None = None
    scope: Scope = Scope()
    log_requests: bool = True
    enforcement: Enforcement = "enforce"
    mcp_transport: str | None = None
    mcp_url: str | None = None
    mcp_command: tuple[str, ...] = ()
