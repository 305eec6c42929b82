"""LiteLLM's proxy: one worker, a master key, no database, so neither budgets nor spend."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.call import bearer
from bench.peers.place import program
from bench.process import free_port, running
from bench.target import Target, Way

_TOKEN = "sk-bench-agent-token"


@contextmanager
def litellm(folder: Path, upstream: int) -> Iterator[Target]:
    """Run the proxy with two models."""
    port, config = free_port(), folder / "config.yaml"
    config.write_text(json.dumps(_config(upstream)))  # JSON is YAML too
    command = [program("litellm", "litellm"), "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    env = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it is fetched at the start
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
    }
    with running(
        command, ready=port, cpu=0, env=env, log=folder / "litellm.log", patience_seconds=180
    ) as started:
        token = bearer(_TOKEN)
        yield Target(
            name="litellm",
            port=port,
            running=started,
            native=Way("gpt-test", token),
            translated=Way("claude", token),
            idle_mib=started.rss_mib(),
        )


def _config(upstream: int) -> dict[str, object]:
    mock = f"http://127.0.0.1:{upstream}"
    return {
        "model_list": [
            _model("gpt-test", "openai/gpt-test", f"{mock}/v1"),
            _model("claude", "anthropic/claude-sonnet-4-5", mock),
        ],
        "general_settings": {"master_key": _TOKEN},
        "litellm_settings": {"num_retries": 0},
    }


def _model(name: str, model: str, base: str) -> dict[str, object]:
    key = "sk-bench-key-0123456789"
    return {
        "model_name": name,
        "litellm_params": {"model": model, "api_base": base, "api_key": key},
    }
