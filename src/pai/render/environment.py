"""The agent's environment: what makes unchanged SDKs work, then what the author wrote.

Source: contract of the agent's view (docs/concepts); the CA variables' kinds are those of each
runtime's own documentation: some add a root to the built-in ones, the others replace them all.
"""

from pai.ir.agent import Agent
from pai.render.facts import PlatformFacts
from pai.render.shape import RUN_DIRECTORY

GATEWAY_URL = "http://127.0.0.1:8000"
CA_FILE = f"{RUN_DIRECTORY}/ca.pem"
CA_BUNDLE_FILE = f"{RUN_DIRECTORY}/ca-bundle.pem"

BASE_URLS = {
    "ANTHROPIC_BASE_URL": GATEWAY_URL,
    "GOOGLE_GEMINI_BASE_URL": GATEWAY_URL,
    "OPENAI_BASE_URL": f"{GATEWAY_URL}/v1",
    "OPENROUTER_BASE_URL": f"{GATEWAY_URL}/v1",
}
CA_ADDED = ("DENO_CERT", "NODE_EXTRA_CA_CERTS")
CA_REPLACED = (
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NIX_SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)


def environment(agent: Agent, platform: PlatformFacts) -> dict[str, str]:
    """Return everything but PAI_REPLICA; the author's win over all but `PAI_*`."""
    env = dict(BASE_URLS)
    env.update(dict.fromkeys(CA_ADDED, CA_FILE))
    env.update(dict.fromkeys(CA_REPLACED, CA_BUNDLE_FILE))
    env.update(platform.dummies)
    env.update(agent.env)
    env.update(_own(agent, platform))
    return env


def _own(agent: Agent, platform: PlatformFacts) -> dict[str, str]:
    models = [model.name for model in agent.models]
    env = {
        "PAI_AGENT": agent.key.name,
        "PAI_URL": platform.url,
        "PAI_MODELS": ",".join(models),
    }
    return {**env, "PAI_MODEL": models[0]} if models else env
