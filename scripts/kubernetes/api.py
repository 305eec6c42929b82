"""The few questions that starting a cluster puts to its API server."""

import http.client
import json
import ssl
from typing import Any

from scripts.kubernetes.place import API_PORT, NODE, Place


def ask(place: Place, path: str) -> Any | None:
    """Return the JSON, or the text, of one GET as admin; None when there is no good answer."""
    context = ssl.create_default_context(cafile=str(place.pki / "ca.crt"))
    context.load_cert_chain(place.pki / "admin.crt", place.pki / "admin.key")
    connection = http.client.HTTPSConnection(
        "127.0.0.1", place.port(API_PORT), timeout=5, context=context
    )
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status != 200:
        return None
    return json.loads(body) if body.startswith(b"{") else body.decode()


def api_ready(place: Place) -> bool:
    """Tell whether the API server answers and every check of its own passes."""
    return ask(place, "/readyz") is not None


def accounts_ready(place: Place) -> bool:
    """Tell whether pods could be admitted in the default namespace."""
    return ask(place, "/api/v1/namespaces/default/serviceaccounts/default") is not None


def node_ready(place: Place) -> bool:
    """Tell whether the node is ready and pods may be scheduled on it."""
    node = ask(place, f"/api/v1/nodes/{NODE}")
    return node is not None and is_ready(node)


def is_ready(node: dict[str, Any]) -> bool:
    """Tell from a Node whether it is ready and has no taint left."""
    conditions = node.get("status", {}).get("conditions", [])
    states = {entry["type"]: entry["status"] for entry in conditions}
    return states.get("Ready") == "True" and not node["spec"].get("taints")
