"""One agent's record followed to everything it names. Pure."""

from collections.abc import Sequence

import msgspec

from pai.api.agentworkload import AgentWorkload
from pai.api.fault import path_text
from pai.api.validation import examine
from pai.control.documents import MODEL, PROVIDER, SECRET, as_written
from pai.errors import RefNotFoundError, SpecError
from pai.ir.agent import Agent
from pai.ir.settings import Settings
from pai.store.record import Record, ResourceKey
from pai.translate.agent import translate
from pai.translate.references import References


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    agent: to be run; None when something stands in the way. served: what the data plane may
    serve meanwhile: the agent without what is missing, so that a deleted Secret or Provider ends
    access at once; None when not even that can work. ignored: fields without effect yet.
    """

    agent: Agent | None
    served: Agent | None
    faults: tuple[SpecError, ...] = ()
    missing: tuple[RefNotFoundError, ...] = ()
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def problem(self) -> tuple[str, str]:
        """Return reason and message of what stands in the way, faults first; empty = nothing."""
        errors: Sequence[SpecError] = self.faults or self.missing
        if not errors:
            return "", ""
        texts = [
            f"{error.message} ({error.hint})" if error.hint else error.message for error in errors
        ]
        return errors[0].reason, "; ".join(texts)


def resolve(record: Record, references: References, settings: Settings, host_id: str) -> Resolution:
    """Return what an agent's record resolves to."""
    resource, problems = examine(as_written(record))
    if not isinstance(resource, AgentWorkload):
        faults = tuple(
            SpecError(f"{path_text(problem.path)}: {problem.message}", hint=problem.hint)
            for problem in problems
        )
        return Resolution(agent=None, served=None, faults=faults)
    found = translate(resource, references, settings, host_id)
    served = found.agent
    for reduced in _reductions(resource, references):
        served = served or translate(reduced, references, settings, host_id).agent
    return Resolution(
        agent=found.agent,
        served=served,
        faults=tuple(found.faults),
        missing=tuple(found.missing),
        warnings=tuple(found.warnings),
        ignored=found.ignored,
    )


def named(record: Record, references: References) -> set[ResourceKey]:
    """Return every resource an agent's record leads to, whether it exists or not."""
    namespace = record.key.namespace
    keys = set()
    for name in record.spec.get("modelBindings") or ():
        keys.add(ResourceKey(MODEL, namespace, name))
        binding = references.bindings.get(name)
        if binding is not None and binding.spec.api_key_secret_ref is not None:
            keys.add(ResourceKey(SECRET, namespace, binding.spec.api_key_secret_ref.name))
    for name in record.spec.get("providers") or ():
        keys.add(ResourceKey(PROVIDER, namespace, name))
        provider = references.providers.get(name)
        if provider is not None and provider.spec.auth.secret_ref is not None:
            keys.add(ResourceKey(SECRET, namespace, provider.spec.auth.secret_ref))
    return keys


def _reductions(resource: AgentWorkload, references: References) -> list[AgentWorkload]:
    """Return the agent without what can't be resolved, then without models and services."""
    spec = resource.spec
    models, providers = [], []
    for name in spec.model_bindings:
        binding = references.bindings.get(name)
        wanted = binding.spec.api_key_secret_ref if binding else None
        if binding and (wanted is None or wanted.name in references.secret_keys):
            models.append(name)
    for name in spec.providers:
        provider = references.providers.get(name)
        secret = provider.spec.auth.secret_ref if provider else None
        if provider and (secret is None or secret in references.secret_keys):
            providers.append(name)
    kept = [(tuple(models), tuple(providers)), (tuple(models), ()), ((), ())]
    return [
        resource.replaced(spec=spec.replaced(model_bindings=some, providers=others))
        for some, others in kept
    ]
