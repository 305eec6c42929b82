"""AgentWorkload: an agent as its author writes it."""

import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pai.api import cel
from pai.api.agent_pod import PROBES, Pod
from pai.api.agent_status import AgentStatus
from pai.api.agent_storage import ConfigFiles, Filesystem, Volumes
from pai.api.agent_traffic import Egress, Exposed, Inbound
from pai.api.autoscaling import MAX_REPLICAS, Autoscaling
from pai.api.fault import Problem, all_wrong, wrong
from pai.api.lists import UNIQUE, UNIQUE_IN_ORDER, repeated, unique_words
from pai.api.metadata import API_VERSION, ResourceModel
from pai.api.model import ApiModel, AsList, Cel, Twin
from pai.api.quantity import parse_quantity
from pai.api.scalars import (
    ByteQuantity,
    Concurrent,
    CpuQuantity,
    EnvName,
    Image,
    Line,
    Name,
    Text,
    Tokens,
)

PLATFORM_UIDS = (65530, 65531)
LARGEST_UID = 2_147_483_647
MAX_ENV_VALUE_BYTES = 128 * 1024 - 512  # the kernel takes at most 128 KiB for NAME=VALUE
CDP_PORT = 9222
_RELAY_HASH = re.compile("sha256:[0-9a-f]{64}")


def _run_as_user(uid: int) -> int:
    if uid == 0:
        raise wrong("0 is root, which no agent may be", "use a UID above 0, e.g. 65532 or 1000")
    if uid in PLATFORM_UIDS:
        raise wrong(f"{uid} belongs to the platform", "use another UID, e.g. 65532 or 1000")
    return uid


_UID_RULES = (
    cel.none_of((0,), "0 is root, which no agent may be", "use a UID above 0, e.g. 65532 or 1000"),
    cel.none_of(PLATFORM_UIDS, "belongs to the platform", "use another UID, e.g. 65532 or 1000"),
)


class EnvVar(ApiModel):
    """One environment variable of the agent."""

    name: EnvName = Field(description="Name. `PAI_*` is reserved.")
    value: Text = Field(repr=False, max_length=MAX_ENV_VALUE_BYTES, description="Value.")


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
            ("requests", "cpu"),
        ),
        Cel(
            "!has(self.requests) || !has(self.limits) || !has(self.requests.memory) "
            "|| !has(self.limits.memory) || quantity(string(self.requests.memory))"
            ".compareTo(quantity(string(self.limits.memory))) <= 0",
            "requests.memory is above limits.memory",
            ("requests", "memory"),
        ),
    )

    @model_validator(mode="after")
    def _requests_fit_limits(self) -> Self:
        pairs = (
            (self.requests.cpu, self.limits.cpu),
            (self.requests.memory, self.limits.memory),
        )
        return self.judged([_is_above(request, limit) for request, limit in pairs])


def _is_above(request: str | None, limit: str | None) -> bool:
    if request is None or limit is None:
        return False
    return parse_quantity(request) > parse_quantity(limit)


class TokenLimits(ApiModel):
    """What the agent may spend; of these limits and those of a model the tighter one counts."""

    max_per_day: Tokens | None = Field(
        default=None, description="Tokens in one UTC day; the platform's default when left out."
    )
    max_per_request: Tokens | None = Field(
        default=None, description="Tokens of one request; the platform's default when left out."
    )
    max_concurrent_requests: Concurrent | None = Field(
        default=None,
        description="Model requests under way at once, in each gateway worker; others wait in "
        "line, then get 429.",
    )


def relay_hash(token: str) -> str:
    """Return the form in which a relay's token is kept; one that has it already stays."""
    if _RELAY_HASH.fullmatch(token):
        return token
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


_IS_HASH = cel.matches(
    _RELAY_HASH.pattern,
    "is kept as a hash only",
    "apply the document with pai, or write sha256: and the token's SHA-256 in hex",
)


class CdpRelay(ApiModel):
    """Lends the agent a Chrome on a person's machine."""

    token: Annotated[Line, Twin(_IS_HASH)] = Field(
        repr=False,
        description="Shared with the relay on that machine. Only a hash of it is kept: `pai` "
        "sends `sha256:` and the token's digest in hex, and so must who writes it otherwise.",
    )


class Ops(ApiModel):
    """What `pai chat` should know about running this agent."""

    instructions: Text = Field(
        max_length=65_536, description="Runbook in plain words, with commands that may be run."
    )


_EnvVars = Annotated[
    tuple[EnvVar, ...],
    AsList,
    Field(max_length=1000),
    AfterValidator(_env),
    Twin(list_type="map", list_map_keys=["name"]),
]
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
    run_as_user: Annotated[
        int, Field(ge=0, le=LARGEST_UID), AfterValidator(_run_as_user), Twin(*_UID_RULES)
    ] = Field(
        default=65532,
        description="UID of the agent. Root (0) and the platform's own 65530, 65531 are refused.",
    )
    command: Annotated[
        tuple[Annotated[Text, Field(max_length=MAX_ENV_VALUE_BYTES)], ...],
        AsList,
        Field(max_length=1000),
    ] = Field(default=(), description="Replaces the image's entrypoint and arguments.")
    model_bindings: Annotated[_References, UNIQUE_IN_ORDER] = Field(
        default=(),
        description="ModelBindings the agent may use. The first is its default, the order is the "
        "fallback chain.",
    )
    providers: Annotated[_References, UNIQUE] = Field(
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
    pod: Pod | None = Field(
        default=None, description="Kubernetes only: where the pods run, and how they are probed."
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
            ("inbound", "port"),
        ),
        *(
            Cel(
                f"has(self.inbound) || !has(self.pod) || !has(self.pod.probes) "
                f"|| !has(self.pod.probes.{probe}) || !has(self.pod.probes.{probe}.path)",
                f"the {probe} probe by path needs inbound",
                ("pod", "probes", probe, "path"),
                hint="the path is asked on inbound.port; use command for an agent without it",
            )
            for probe in PROBES
        ),
    )

    @model_validator(mode="after")
    def _inbound_fits(self) -> Self:
        taken = self.cdp_relay and self.inbound and self.inbound.port == CDP_PORT
        return self.judged([bool(taken), *(self._asks_in_vain(probe) for probe in PROBES)])

    def _asks_in_vain(self, probe: str) -> bool:
        probes = self.pod.probes if self.pod else None
        asked = getattr(probes, probe) if probes else None
        return self.inbound is None and asked is not None and asked.path is not None


class AgentWorkload(ResourceModel):
    """An AI agent: the container, its models and services, and who reaches it."""

    api_version: Literal["pai.io/v1"] = Field(default=API_VERSION, description="`pai.io/v1`.")
    kind: Literal["AgentWorkload"] = Field(default="AgentWorkload", description="`AgentWorkload`.")
    spec: AgentWorkloadSpec = Field(description="What should run.")
    status: AgentStatus | None = Field(
        default=None, description="What runs; written by the platform, ignored when sent."
    )
