"""Which value of a variable the agent gets."""

from tests.fakes.agents import FACTS

from pai.ir.agent import Agent, AgentKey
from pai.render.environment import environment


def agent(*env: tuple[str, str]) -> Agent:
    return Agent(
        key=AgentKey("default", "demo"), uid="u", host_id="h", generation=1, image="a:1", env=env
    )


def test_the_author_wins_over_convenience_and_not_over_the_platform() -> None:
    own = (("OPENAI_API_KEY", "mine"), ("OPENAI_BASE_URL", "http://mine"), ("PAI_AGENT", "x"))
    found = environment(agent(*own), FACTS)
    assert found["OPENAI_API_KEY"] == "mine"
    assert found["OPENAI_BASE_URL"] == "http://mine"
    assert found["PAI_AGENT"] == "demo"
    assert environment(agent(), FACTS)["OPENAI_API_KEY"] == "sk-dummy"


def test_without_models_there_is_no_first_one() -> None:
    found = environment(agent(), FACTS)
    assert found["PAI_MODELS"] == ""
    assert "PAI_MODEL" not in found
