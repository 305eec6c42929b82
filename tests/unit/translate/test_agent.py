"""Translation as a whole: defaults of the platform, gaps, warnings, what has no effect."""

from typing import Any

from pai.api.agentworkload import AgentWorkload
from pai.api.provider import Provider
from pai.api.validation import validate
from pai.ir.agent import Limits
from pai.ir.settings import Settings
from pai.render import environment as rendered
from pai.translate import LLM_HOSTS, References, Translation, host_id, translate
from pai.translate.injected import INJECTED


def agent(annotations: dict[str, str] | None = None, **spec: Any) -> AgentWorkload:
    resource = validate(
        {
            "apiVersion": "pai.io/v1",
            "kind": "AgentWorkload",
            "metadata": {"name": "a", "annotations": annotations or {}},
            "spec": {"image": "x", **spec},
        }
    )
    assert isinstance(resource, AgentWorkload)
    return resource


def translated(workload: AgentWorkload, known: References | None = None) -> Translation:
    return translate(workload, known or References(), Settings(), "abcdef")


def test_platform_limits_hold_where_none_is_written() -> None:
    settings = Settings(default_max_tokens_per_day=7, default_max_tokens_per_request=3)
    result = translate(agent(tokens={"maxPerDay": 5}), References(), settings, "abcdef")
    assert result.agent is not None
    assert result.agent.tokens == Limits(5, 3)


def test_the_agents_variables_win_over_personal_ones() -> None:
    workload = agent(
        {"pai.io/personal-env": '{"A": "personal", "B": "personal"}'},
        env=[{"name": "A", "value": "own"}],
    )
    result = translated(workload)
    assert result.agent is not None
    assert result.agent.env == (("A", "own"), ("B", "personal"))


def test_personal_variables_that_are_broken_stop_the_agent() -> None:
    for text in ("no json", "[]", '{"A": 1}', '{"PAI_X": ""}', '{"A=B": ""}', '{"A": "\\u0000"}'):
        result = translated(agent({"pai.io/personal-env": text}))
        assert result.agent is None
        assert len(result.faults) == 1, text


def test_what_is_missing_is_a_gap_and_no_fault() -> None:
    result = translated(agent(modelBindings=["a"], providers=["b"]))
    assert result.agent is None
    assert result.faults == ()
    assert [error.reason for error in result.missing] == ["RefNotFound", "RefNotFound"]


def test_fields_without_effect_are_named_also_those_of_what_is_used() -> None:
    provider = validate(
        {
            "apiVersion": "pai.io/v1",
            "kind": "Provider",
            "metadata": {"name": "p"},
            "spec": {"type": "slack", "auth": {"secretRef": "s"}},
        }
    )
    assert isinstance(provider, Provider)
    workload = agent(providers=["p"], autoscaling={"maxReplicas": 1})
    result = translated(workload, References(providers={"p": provider}))
    assert result.ignored == ("spec.autoscaling", "Provider 'p': spec.type")


def test_strict_confinement_is_refused_while_it_is_not_built() -> None:
    assert translated(agent(filesystem={})).agent is not None
    [fault] = translated(agent(filesystem={"enforcement": "strict"})).faults
    assert fault.hint == "use besteffort to start the agent unconfined"


def test_every_variable_the_renderer_sets_has_a_warning() -> None:
    urls_and_files = {*rendered.BASE_URLS, *rendered.CA_ADDED, *rendered.CA_REPLACED}
    keys = {name for name in INJECTED if name.endswith("_API_KEY")}
    assert set(INJECTED) == urls_and_files | keys


def test_hosts_of_the_models() -> None:
    assert LLM_HOSTS == (
        "api.anthropic.com",
        "api.openai.com",
        "generativelanguage.googleapis.com",
        "openrouter.ai",
    )


def test_a_host_id_depends_on_all_of_its_parts() -> None:
    seed = bytes(range(32))
    ids = {host_id("a", "b", seed), host_id("b", "a", seed), host_id("a", "b", seed[:31])}
    assert len(ids) == 3
    assert host_id("default", "my-agent", bytes(32)) == host_id("default", "my-agent", bytes(32))
