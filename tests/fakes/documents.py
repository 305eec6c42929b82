"""Documents as tests apply them."""

from typing import Any

API_VERSION = "pai.io/v1"


def document(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, **fields}


def agent(name: str = "writer", **spec: Any) -> dict[str, Any]:
    return document("AgentWorkload", name, spec={"image": "localhost/agent:latest", **spec})


def secret(name: str = "keys", **entries: str) -> dict[str, Any]:
    return document("Secret", name, stringData=entries or {"token": "value-of-keys"})


def model(name: str = "gpt", secret_name: str | None = "keys", **spec: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"provider": "openai", "model": "gpt-test", **spec}
    if secret_name:
        given["apiKeySecretRef"] = {"name": secret_name}
    return document("ModelBinding", name, spec=given)


def service(name: str = "notes", secret_name: str = "keys", **spec: Any) -> dict[str, Any]:
    given = {
        "type": "http-token",
        "host": "api.notes.test",
        "auth": {"secretRef": secret_name, "agentEnvVar": "NOTES_TOKEN"},
        **spec,
    }
    return document("Provider", name, spec=given)
