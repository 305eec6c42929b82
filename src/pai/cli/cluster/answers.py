"""Answers of an API server which are not the platform's own, and what to do about each. Pure.

An API server that refuses a call, or can't pass it on, answers in its own words: a Status object,
or plain text when nothing is registered behind the path.
Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

import re
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

NOT_INSTALLED = "Pai is not installed on this cluster"
NOT_AVAILABLE = "Pai's control does not answer behind the API server"
LOOK = "pai doctor, or kubectl -n pai-system get pods"
_USER = re.compile(r'User "([^"]+)"')
_READING = ("get", "list", "watch")
_VERB = re.compile(r" cannot (\w+) resource \"([\w/]+)\"")


def explained(status: int, body: object, text: str) -> tuple[str, str, str | None]:
    """Return code, message and hint of an error answer.

    body: the answer as JSON, None when it is none; text: as it is.
    """
    told = body if isinstance(body, Mapping) and body.get("kind") == "Status" else {}
    reason, message = str(told.get("reason") or ""), str(told.get("message") or "")
    if status == 403:
        return reason or "Forbidden", message or "the API server refuses", role_hint(message)
    if status == 401:
        hint = "kubectl auth whoami; the credential of the kubeconfig may have ended"
        return reason or "Unauthorized", "the API server does not know you", hint
    if status == 404 and not message:
        return "NotInstalled", NOT_INSTALLED, "pai install kubernetes"
    if status in (502, 503, 504):
        detail = message or " ".join(text.split())[:200]
        return reason or "ServiceUnavailable", f"{NOT_AVAILABLE}: {detail}", LOOK
    return reason or "Error", message or f"the API server answered with HTTP status {status}", None


def role_hint(message: str) -> str:
    """Return which role is missing, and the command that gives it. message: the API server's."""
    found, user = _VERB.search(message), _USER.search(message)
    verb, resource = (found[1], found[2]) if found else ("create", "")
    role = "pai-view" if verb in _READING and not resource.endswith("/exec") else "pai-edit"
    who = user[1] if user else "USER"
    return (
        f"an administrator gives you {role}: kubectl create rolebinding {role} "
        f"--clusterrole={role} --user={who} -n NAMESPACE"
    )
