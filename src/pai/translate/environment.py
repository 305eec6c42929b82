"""The agent's variables: the spec's own over personal ones."""

from typing import NamedTuple

import msgspec
from pydantic_core import PydanticCustomError

from pai.api.agentworkload import AgentWorkload
from pai.api.metadata import PERSONAL_ENV_ANNOTATION
from pai.api.scalars import env_name
from pai.errors import SpecError


class Environment(NamedTuple):
    """variables: sorted by name. faults: of the personal ones; those of a spec are found before."""

    variables: tuple[tuple[str, str], ...]
    faults: tuple[SpecError, ...]


def environment(workload: AgentWorkload) -> Environment:
    """Return the variables of an agent, without those that Pai adds."""
    personal, faults = personal_env(workload.metadata.annotations.get(PERSONAL_ENV_ANNOTATION))
    own = {variable.name: variable.value for variable in workload.spec.env}
    return Environment(tuple(sorted({**personal, **own}.items())), tuple(faults))


def personal_env(text: str | None) -> tuple[dict[str, str], list[SpecError]]:
    """Return the variables that the annotation `pai.io/personal-env` holds, and its faults."""
    place = f"metadata.annotations[{PERSONAL_ENV_ANNOTATION}]"
    if text is None:
        return {}, []
    try:
        variables = msgspec.json.decode(text.encode(), type=dict[str, str])
    except msgspec.DecodeError:
        return {}, [SpecError(f"{place}: must be a JSON object of texts")]
    faults: list[SpecError] = []
    for name, value in variables.items():
        try:
            env_name(name)
        except PydanticCustomError as error:
            way_out = f"pai config set-env --unset {name}"
            faults.append(SpecError(f"{place}: {error.message()}", hint=way_out))
        if "\x00" in value:
            faults.append(SpecError(f"{place}: {name!r} must not contain a NUL character"))
    return variables, faults
