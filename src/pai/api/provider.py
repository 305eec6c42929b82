"""Provider: an outside service, the credential for it, and what agents may do there."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pai.api.fault import Problem, all_wrong
from pai.api.http_scalars import HeaderName, HeaderPrefix, Method, PathGlob, QueryName
from pai.api.metadata import API_VERSION, ResourceModel
from pai.api.model import ApiModel, AsList, Cel
from pai.api.network import Host, Url
from pai.api.scalars import EnvName, Glob, Name, SecretKey, Text, Word

ProviderType = Literal["github", "telegram", "slack", "aws", "gcp", "azure", "http-token", "mcp"]
AuthType = Literal[
    "pat",
    "bot-token",
    "aws-sigv4",
    "gcp-service-account",
    "azure-client-credentials",
    "api-key",
]
# What each type can sign in with; the first is its default.
AUTH_TYPES: dict[ProviderType, tuple[AuthType, ...]] = {
    "github": ("pat",),
    "telegram": ("bot-token",),
    "slack": ("bot-token",),
    "aws": ("aws-sigv4",),
    "gcp": ("gcp-service-account",),
    "azure": ("azure-client-credentials",),
    "http-token": ("api-key", "pat", "bot-token"),
    "mcp": ("api-key", "pat"),
}
CLOUD_TYPES: tuple[ProviderType, ...] = ("aws", "gcp", "azure")
_Globs = Annotated[tuple[Glob, ...], AsList, Field(max_length=256)]


class Auth(ApiModel):
    """The credential, and where it goes. The agent holds a dummy in its place."""

    type: AuthType | None = Field(
        default=None, description="How to sign in; each provider type has its own default."
    )
    secret_ref: Name | None = Field(
        default=None, description="Name of a Secret in the same namespace."
    )
    secret_key: SecretKey = Field(
        default="token",
        description="Entry of the Secret. When `token` is absent, `api-key` or the only entry is "
        "taken.",
    )
    agent_env_var: EnvName | None = Field(
        default=None,
        description="Variable of the agent that holds the dummy, so that client libraries start; "
        "each provider type has its own default.",
    )
    header: HeaderName | None = Field(
        default=None,
        description="`http-token` only: header the token is put into; `Authorization` when left "
        "out.",
    )
    prefix: HeaderPrefix | None = Field(
        default=None,
        description='`http-token` only: what stands before the token; `"Bearer "` when left out.',
    )
    param: QueryName | None = Field(
        default=None,
        description="`http-token` only: query parameter for the token, in place of a header.",
    )

    cel_rules = (
        Cel(
            "!has(self.param) || (!has(self.header) && !has(self.prefix))",
            "param stands in place of header and prefix: give one or the other",
            ("param",),
        ),
    )

    @model_validator(mode="after")
    def _header_or_param(self) -> Self:
        placed = self.header is not None or self.prefix is not None
        return self.judged((self.param is not None and placed,))


class CloudConfig(ApiModel):
    """Where in a cloud the calls go."""

    region: Word | None = Field(default=None, description="Region.")
    project: Word | None = Field(default=None, description="Project.")
    tenant_id: Word | None = Field(default=None, description="Tenant.")
    services: Annotated[tuple[Word, ...], AsList, Field(max_length=256)] = Field(
        default=(), description="Services that may be called. None given: all."
    )


class HttpRule(ApiModel):
    """A rule over method and path; the first that matches decides."""

    methods: Annotated[tuple[Method, ...], AsList, Field(max_length=32)] = Field(
        default=(), description="HTTP methods. None given: all."
    )
    paths: Annotated[tuple[PathGlob, ...], AsList, Field(max_length=64)] = Field(
        default=(),
        description="Path globs: `*` stays within one segment, `**` does not. None given: all.",
    )
    effect: Literal["allow", "deny"] = Field(
        description="`deny` ends it, `allow` passes on to the lists of actions."
    )


class McpPolicy(ApiModel):
    """Which tools of an MCP server may be seen and called."""

    allowed_tools: _Globs = Field(default=(), description="Tool globs. None given: all.")
    denied_tools: _Globs = Field(default=(), description="Tool globs; they win.")


class Policy(ApiModel):
    """What may be done. With a policy, what is not allowed is denied."""

    allow: _Globs = Field(default=(), description="Action globs that are allowed.")
    deny: _Globs = Field(default=(), description="Action globs that are denied; they win.")
    http_rules: Annotated[tuple[HttpRule, ...], AsList, Field(max_length=64)] = Field(
        default=(), description="Rules over method and path, tried before the actions."
    )
    mcp: McpPolicy | None = Field(default=None, description="`mcp` only: rules over tools.")


class Scope(ApiModel):
    """Limits on the thing acted upon. A list that is empty sets no limit."""

    repositories: _Globs = Field(default=(), description="Globs over `owner/name`.")
    channels: _Globs = Field(default=(), description="Globs over channels.")
    resources: _Globs = Field(default=(), description="Globs over resource names, e.g. ARNs.")


class Audit(ApiModel):
    """What is recorded, and whether violations are stopped."""

    log_requests: bool = Field(default=True, description="Keep a record of every request.")
    enforcement: Literal["enforce", "audit"] = Field(
        default="enforce", description="`audit` records a violation and lets it pass."
    )


_Argument = Annotated[Text, Field(max_length=32_768)]


class Mcp(ApiModel):
    """How an MCP server is reached."""

    transport: Literal["sse", "http", "stdio"] = Field(
        default="sse", description="`stdio` starts `command`; the others call `url`."
    )
    url: Url | None = Field(default=None, description="Address of the server.")
    command: Annotated[tuple[_Argument, ...], AsList, Field(max_length=64)] = Field(
        default=(), description="`stdio` only: program and arguments."
    )

    cel_rules = (
        Cel("self.transport == 'stdio' || has(self.url)", "this transport needs url"),
        Cel(
            "self.transport != 'stdio' || (has(self.command) && size(self.command) > 0)",
            "transport stdio needs command",
        ),
        Cel("self.transport != 'stdio' || !has(self.url)", "transport stdio has no url", ("url",)),
        Cel(
            "self.transport == 'stdio' || !has(self.command) || size(self.command) == 0",
            "only transport stdio has command",
            ("command",),
        ),
    )

    @model_validator(mode="after")
    def _transport_has_its_target(self) -> Self:
        stdio = self.transport == "stdio"
        return self.judged(
            (
                not stdio and self.url is None,
                stdio and not self.command,
                stdio and self.url is not None,
                not stdio and bool(self.command),
            )
        )


class ProviderSpec(ApiModel):
    """The service, the credential and the rules."""

    type: ProviderType = Field(description="Kind of service; `http-token` fits any HTTP API.")
    host: Host | None = Field(
        default=None,
        description="Host to intercept, in place of the type's own. `http-token` requires it.",
    )
    auth: Auth = Field(default=Auth(), description="The credential.")
    config: CloudConfig | None = Field(default=None, description="Cloud types only.")
    policy: Policy | None = Field(
        default=None, description="What may be done. Left out: all that `scope` permits."
    )
    scope: Scope = Field(default=Scope(), description="Limits on the thing acted upon.")
    audit: Audit = Field(default=Audit(), description="Records and enforcement.")
    mcp: Mcp | None = Field(default=None, description="`mcp` only: how the server is reached.")

    cel_rules = (
        Cel("self.type != 'http-token' || has(self.host)", "type http-token needs host"),
        Cel("(self.type == 'mcp') == has(self.mcp)", "type mcp, and no other, has mcp"),
        Cel(
            "self.type == 'mcp' || !has(self.policy) || !has(self.policy.mcp)",
            "only type mcp has policy.mcp",
            ("policy", "mcp"),
        ),
        Cel(
            "self.type in ['aws', 'gcp', 'azure'] || !has(self.config)",
            "only types aws, gcp and azure have config",
            ("config",),
        ),
        Cel(
            "self.type == 'http-token' || !has(self.auth) || (!has(self.auth.header) "
            "&& !has(self.auth.prefix) && !has(self.auth.param))",
            "only type http-token has header, prefix and param",
            ("auth",),
        ),
        Cel(
            "!has(self.auth) || !has(self.auth.type) || {"
            + ", ".join(f"'{kind}': {list(auth)}" for kind, auth in AUTH_TYPES.items())
            + "}[self.type].exists(known, known == self.auth.type)",
            "this type can't sign in that way",
            ("auth", "type"),
        ),
    )

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> Self:
        broken = (
            self.type == "http-token" and self.host is None,
            (self.type == "mcp") != (self.mcp is not None),
            _has_foreign_tool_rules(self),
            self.config is not None and self.type not in CLOUD_TYPES,
            _has_foreign_placement(self),
            _has_foreign_auth_type(self),
        )
        problems = [
            Problem(rule.message, self._auth_hint(rule.field), rule.field)
            for rule, bad in zip(self.cel_rules, broken, strict=True)
            if bad
        ]
        if problems:
            raise all_wrong(problems)
        return self

    def _auth_hint(self, field: tuple[str, ...]) -> str | None:
        if field != ("auth", "type"):
            return None
        return f"type {self.type} takes {' or '.join(map(repr, AUTH_TYPES[self.type]))}"


def _has_foreign_tool_rules(spec: ProviderSpec) -> bool:
    return spec.type != "mcp" and spec.policy is not None and spec.policy.mcp is not None


def _has_foreign_placement(spec: ProviderSpec) -> bool:
    placed = (spec.auth.header, spec.auth.prefix, spec.auth.param)
    return spec.type != "http-token" and any(value is not None for value in placed)


def _has_foreign_auth_type(spec: ProviderSpec) -> bool:
    return spec.auth.type is not None and spec.auth.type not in AUTH_TYPES[spec.type]


class Provider(ResourceModel):
    """An outside service that agents may call without holding its credential."""

    api_version: Literal["pai.io/v1"] = Field(default=API_VERSION, description="`pai.io/v1`.")
    kind: Literal["Provider"] = Field(default="Provider", description="`Provider`.")
    spec: ProviderSpec = Field(description="The service, the credential and the rules.")
    status: dict[str, Any] | None = Field(
        default=None, description="Written by the platform, ignored when sent."
    )
