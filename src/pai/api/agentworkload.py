"""AgentWorkload: an agent as its author writes it."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pai.api.agent_status import AgentStatus
from pai.api.agent_storage import ConfigFiles, Filesystem, Volumes
from pai.api.agent_traffic import Egress, Exposed, Inbound
from pai.api.autoscaling import MAX_REPLICAS, Autoscaling
from pai.api.fault import Problem, all_wrong, wrong
from pai.api.lists import repeated, unique_words
from pai.api.metadata import API_VERSION, ResourceModel
from pai.api.model import ApiModel, AsList, Cel
from pai.api.quantity import cpu_milli, size_bytes
from pai.api.scalars import ByteQuantity, CpuQuantity, EnvName, Image, Line, Name, Text, Tokens

PLATFORM_UIDS = (65530, 65531)
LARGEST_UID = 2_147_483_647
MAX_ENV_VALUE_BYTES = 128 * 1024 - 512  # the kernel takes at most 128 KiB for NAME=VALUE
CDP_PORT = 9222


def _run_as_user(uid: int) -> int:
    if uid == 0:
        raise wrong("0 is root, which no agent may be", "use a UID above 0, e.g. 65532 or 1000")
    if uid in PLATFORM_UIDS:
        raise wrong(f"{uid} belongs to the platform", "use another UID, e.g. 65532 or 1000")
    return uid


class EnvVar(ApiModel):
    """One environment variable of the agent."""

    name: EnvName = Field(description="Name. `PAI_*` is reserved.")
    value: Text = Field(repr=False, description="Value.")


def _env(variables: tuple[EnvVar, ...]) -> tuple[EnvVar, ...]:
    problems = repeated(variables, lambda variable: variable.name, "the variable", ("name",))
    for index, variable in enumerate(variables):
        if len(variable.value.encode()) > MAX_ENV_VALUE_BYTES:
            message = f"is longer than {MAX_ENV_VALUE_BYTES} bytes"
            problems.append(Problem(message, "use configFiles for large texts", (index, "value")))
    if problems:
        raise all_wrong(problems)
    return variables


class ResourceAmounts(ApiModel):
    """An amount of CPU and of memory."""

    cpu: CpuQuantity | None = Field(default=None, description="Cores, e.g. `500m` or `2`.")
    memory: ByteQuantity | None = Field(default=None, description="Memory, e.g. `512Mi`.")


class Resources(ApiModel):
    """What one replica is promised, and what it may use at most."""

    requests: ResourceAmounts = Field(
        default=ResourceAmounts(), description="Guaranteed amounts; at most the limits."
    )
    limits: ResourceAmounts = Field(
        default=ResourceAmounts(),
        description="Ceilings: CPU is throttled, memory above it ends the process.",
    )

    cel_rules = (
        Cel(
            "!has(self.requests) || !has(self.limits) || !has(self.requests.cpu) "
            "|| !has(self.limits.cpu) || quantity(string(self.requests.cpu))"
            ".compareTo(quantity(string(self.limits.cpu))) <= 0",
            "requests.cpu is above limits.cpu",
        ),
        Cel(
            "!has(self.requests) || !has(self.limits) || !has(self.requests.memory) "
            "|| !has(self.limits.memory) || quantity(string(self.requests.memory))"
            ".compareTo(quantity(string(self.limits.memory))) <= 0",
            "requests.memory is above limits.memory",
        ),
    )

    @model_validator(mode="after")
    def _requests_fit_limits(self) -> Self:
        pairs = (
            (self.requests.cpu, self.limits.cpu, cpu_milli, "cpu"),
            (self.requests.memory, self.limits.memory, size_bytes, "memory"),
        )
        problems = [
            Problem(rule.message, path=("requests", field))
            for (request, limit, parse, field), rule in zip(pairs, self.cel_rules, strict=True)
            if request is not None and limit is not None and parse(request) > parse(limit)
        ]
        if problems:
            raise all_wrong(problems)
        return self


class TokenLimits(ApiModel):
    """What the agent may spend; of these limits and those of a model the tighter one counts."""

    max_per_day: Tokens | None = Field(
        default=None, description="Tokens in one UTC day; the platform's default when left out."
    )
    max_per_request: Tokens | None = Field(
        default=None, description="Tokens of one request; the platform's default when left out."
    )


class CdpRelay(ApiModel):
    """Lends the agent a Chrome on a person's machine."""

    token: Line = Field(
        repr=False,
        max_length=512,
        description="Shared with the relay on that machine. Only a hash of it is kept.",
    )


class Ops(ApiModel):
    """What `pai chat` should know about running this agent."""

    instructions: Text = Field(
        max_length=65_536, description="Runbook in plain words, with commands that may be run."
    )


_EnvVars = Annotated[tuple[EnvVar, ...], AsList, Field(max_length=1000), AfterValidator(_env)]
_References = Annotated[
    tuple[Name, ...], AsList, Field(max_length=256), AfterValidator(unique_words)
]


class AgentWorkloadSpec(ApiModel):
    """The agent that should run."""

    image: Image = Field(description="Container image to run.")
    replicas: int = Field(
        default=1,
        ge=0,
        le=MAX_REPLICAS,
        description="Instances to run; with `autoscaling` the count to start with.",
    )
    run_as_user: Annotated[int, Field(ge=0, le=LARGEST_UID), AfterValidator(_run_as_user)] = Field(
        default=65532,
        description="UID of the agent. Root (0) and the platform's own 65530, 65531 are refused.",
    )
    command: Annotated[tuple[Text, ...], AsList] = Field(
        default=(), description="Replaces the image's entrypoint and arguments."
    )
    model_bindings: _References = Field(
        default=(),
        description="ModelBindings the agent may use. The first is its default, the order is the "
        "fallback chain.",
    )
    providers: _References = Field(
        default=(), description="Providers: the outside services the agent may call."
    )
    inbound: Inbound | None = Field(
        default=None, description="Takes requests from outside. None given: none are let in."
    )
    volumes: Volumes = Field(default=(), description="Directories that outlive restarts.")
    config_files: ConfigFiles = Field(default=(), description="Files put in place on first start.")
    env: _EnvVars = Field(
        default=(),
        description="Environment variables; they win over personal ones and over Pai's own.",
    )
    resources: Resources = Field(default=Resources(), description="CPU and memory of one replica.")
    tokens: TokenLimits = Field(
        default=TokenLimits(), description="Token limits of the agent as a whole."
    )
    expose: Exposed = Field(default=(), description="Directories served read-only to the public.")
    egress: Egress = Field(
        default=Egress(), description="Hosts the agent reaches besides models and providers."
    )
    filesystem: Filesystem | None = Field(
        default=None, description="Confines writing. Left out: nothing is confined."
    )
    autoscaling: Autoscaling | None = Field(
        default=None, description="Lets the replica count follow the load."
    )
    cdp_relay: CdpRelay | None = Field(
        default=None, description="Lets a person lend the agent a browser."
    )
    ops: Ops | None = Field(default=None, description="Notes for `pai chat`.")
    paused: bool = Field(default=False, description="Runs no replica and keeps all state.")

    cel_rules = (
        Cel(
            "!has(self.cdpRelay) || !has(self.inbound) || self.inbound.port != 9222",
            "port 9222 is taken by cdpRelay",
        ),
    )

    @model_validator(mode="after")
    def _browser_port_is_free(self) -> Self:
        if self.cdp_relay and self.inbound and self.inbound.port == CDP_PORT:
            raise wrong(self.cel_rules[0].message, path=("inbound", "port"))
        return self


class AgentWorkload(ResourceModel):
    """An AI agent: the container, its models and services, and who reaches it."""

    api_version: Literal["pai.io/v1"] = Field(default=API_VERSION, description="`pai.io/v1`.")
    kind: Literal["AgentWorkload"] = Field(default="AgentWorkload", description="`AgentWorkload`.")
    spec: AgentWorkloadSpec = Field(description="What should run.")
    status: AgentStatus | None = Field(
        default=None, description="What runs; written by the platform, ignored when sent."
    )
