"""Provider: from the resource to the resolved form, with the defaults of its type."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from pai.api import provider as api
from pai.errors import RefNotFoundError
from pai.ir import provider as ir
from pai.translate.provider_types import PROVIDER_TYPES, default_auth_type
from pai.translate.secrets import secret_ref


def translate_provider(
    resource: api.Provider, secret_keys: Mapping[str, Collection[str]]
) -> ir.Provider | RefNotFoundError:
    """Return the provider with every default filled in, or the reference that is missing."""
    spec = resource.spec
    auth, mcp = spec.auth, spec.mcp
    defaults = PROVIDER_TYPES[spec.type]
    config = spec.config or api.CloudConfig()
    secret: ir.SecretRef | None = None
    if auth.secret_ref is not None:
        place = f"Provider {resource.name!r}: spec.auth"
        found = secret_ref(
            auth.secret_ref,
            auth.secret_key,
            secret_keys,
            f"{place}.secretRef",
            f"{place}.secretKey",
        )
        if isinstance(found, RefNotFoundError):
            return found
        secret = found
    return ir.Provider(
        name=resource.name,
        type=spec.type,
        hosts=provider_hosts(spec),
        auth_type=auth.type or default_auth_type(spec.type),
        secret=secret,
        env_var=auth.agent_env_var or defaults.env_var,
        header=defaults.header if auth.header is None else auth.header,
        prefix=defaults.prefix if auth.prefix is None else auth.prefix,
        param=auth.param,
        region=config.region,
        project=config.project,
        tenant_id=config.tenant_id,
        services=tuple(sorted(config.services)),
        policy=_policy(spec.policy),
        scope=ir.Scope(spec.scope.repositories, spec.scope.channels, spec.scope.resources),
        log_requests=spec.audit.log_requests,
        enforcement=spec.audit.enforcement,
        mcp_transport=mcp.transport if mcp else None,
        mcp_url=mcp.url if mcp else None,
        mcp_command=mcp.command if mcp else (),
    )


def provider_hosts(spec: api.ProviderSpec) -> tuple[str, ...]:
    """Return the hosts to intercept: the one written, the MCP server's, or the type's own."""
    if spec.host is not None:
        return (spec.host,)
    if spec.mcp is not None and spec.mcp.url is not None:
        return ((urlsplit(spec.mcp.url).hostname or "").lower(),)
    return PROVIDER_TYPES[spec.type].hosts


def _policy(policy: api.Policy | None) -> ir.Policy | None:
    if policy is None:
        return None
    tools = policy.mcp or api.McpPolicy()
    return ir.Policy(
        allow=policy.allow,
        deny=policy.deny,
        http_rules=tuple(
            ir.HttpRule(rule.effect, rule.methods, rule.paths) for rule in policy.http_rules
        ),
        mcp_allowed_tools=tools.allowed_tools,
        mcp_denied_tools=tools.denied_tools,
    )
