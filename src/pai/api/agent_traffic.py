"""Parts of an agent that say who reaches it and what it reaches: inbound, expose, egress."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pai.api import cel
from pai.api.fault import Problem, all_wrong, wrong
from pai.api.lists import repeated
from pai.api.model import ApiModel, AsList, Cel, Twin
from pai.api.network import Cidr, HostPattern
from pai.api.paths import DirectoryPath, UrlPath, overlaps
from pai.api.scalars import Port, echo

EVERYONE = ("0.0.0.0/0", "::/0")
# Taken in every agent's network by the platform. Source: docs/internals.md, One replica.
PLATFORM_PORTS = {
    8000: "the models",
    8053: "name resolution",
    8081: "outgoing HTTP",
    8082: "incoming requests",
    8083: "incoming requests on Kubernetes",
    8084: "probes on Kubernetes",
    8443: "outgoing TLS",
}


_Cidrs = Annotated[tuple[Cidr, ...], AsList, Field(max_length=256)]
_PORT_IS_FREE = cel.none_of(
    tuple(PLATFORM_PORTS),
    "the port is taken in the agent's network by the platform",
    "let the agent listen on another port",
)


def _inbound_port(port: int) -> int:
    if port in PLATFORM_PORTS:
        raise wrong(
            f"port {port} is taken in the agent's network: the platform serves "
            f"{PLATFORM_PORTS[port]} there",
            "let the agent listen on another port",
        )
    return port


class Inbound(ApiModel):
    """The port that takes requests from outside."""

    port: Annotated[Port, AfterValidator(_inbound_port), Twin(_PORT_IS_FREE)] = Field(
        description="Port the agent listens on. 8000, 8053, 8081 to 8084 and 8443 are taken."
    )
    allow_cidrs: _Cidrs = Field(
        default=(), description="Address blocks that may reach the port. None given: nobody."
    )


class Expose(ApiModel):
    """A directory of the agent that anyone can read at a path of its URL."""

    url_path: UrlPath = Field(description="Path below the agent's URL. Must not overlap another.")
    directory: DirectoryPath = Field(description="Absolute directory in the container.")
    allow_cidrs: _Cidrs = Field(
        default=EVERYONE, description="Address blocks that may read it. Default: everyone."
    )


class EgressRule(ApiModel):
    """A host that is passed through untouched, and logged by its name."""

    host: HostPattern = Field(description="Exact host name, or `*.suffix`.")
    ports: Annotated[tuple[Port, ...], AsList, Field(min_length=1, max_length=64)] = Field(
        default=(443,), description="TCP ports."
    )


class Egress(ApiModel):
    """What the agent reaches besides its models and providers."""

    allow: Annotated[tuple[EgressRule, ...], AsList, Field(max_length=256)] = Field(
        default=(), description="Hosts that are passed through."
    )
    mode: Literal["deny", "audit"] = Field(
        default="deny", description="`audit` lets everything else pass too, and logs it."
    )


def _exposed(exposed: tuple[Expose, ...]) -> tuple[Expose, ...]:
    problems = repeated(exposed, lambda expose: expose.url_path, "the path", ("urlPath",))
    for index, expose in enumerate(exposed):
        for first, other in enumerate(exposed[:index]):
            one, two = expose.url_path, other.url_path
            if one != two and overlaps(one, two):
                message = f"{echo(one)} overlaps {echo(two)} of [{first}]"
                problems.append(Problem(message, path=(index, "urlPath")))
    if problems:
        raise all_wrong(problems)
    return exposed


_NO_OVERLAP = Cel(
    "[self.map(e, e.urlPath.endsWith('/') ? e.urlPath : e.urlPath + '/')]"
    ".all(paths, paths.all(one, paths.exists_one(other, one.startsWith(other))))",
    "two entries have the same urlPath, or one lies below the other",
    hint="give each directory a path of its own",
)
Exposed = Annotated[
    tuple[Expose, ...],
    AsList,
    Field(max_length=64),
    AfterValidator(_exposed),
    Twin(_NO_OVERLAP, list_type="map", list_map_keys=["urlPath"]),
]
