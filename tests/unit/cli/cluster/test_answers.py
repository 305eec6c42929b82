from typing import Any

import pytest

from pai.cli.cluster.answers import explained, role_hint

FORBIDDEN = (
    'agentworkloads.platform.pai.io "a" is forbidden: User "bob" cannot {} resource '
    '"{}" in API group "platform.pai.io" in the namespace "team"'
)


def status(reason: str, message: str) -> dict[str, Any]:
    return {"kind": "Status", "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("verb", "resource", "role"),
    [
        ("list", "agentworkloads", "pai-view"),
        ("get", "agentworkloads/report", "pai-view"),
        ("list", "usage", "pai-view"),
        ("get", "agentworkloads/exec", "pai-edit"),
        ("create", "apply", "pai-edit"),
        ("delete", "secrets", "pai-edit"),
    ],
)
def test_the_missing_role_is_named_for_the_one_who_lacks_it(
    verb: str, resource: str, role: str
) -> None:
    message = FORBIDDEN.format(verb, resource)
    code, told, hint = explained(403, status("Forbidden", message), "")
    assert (code, told) == ("Forbidden", message)
    assert f"--clusterrole={role} --user=bob" in (hint or "")


def test_without_words_of_the_api_server_the_greater_role_is_named() -> None:
    assert "pai-edit" in role_hint("")
    assert explained(403, None, "")[1] == "the API server refuses"


@pytest.mark.parametrize(
    ("code", "body", "text", "message", "hint"),
    [
        (404, None, "404 page not found", "not installed", "pai install kubernetes"),
        (503, None, "service unavailable\n", "does not answer", "pai doctor"),
        (
            503,
            status("ServiceUnavailable", "error trying to reach service: x509: unknown authority"),
            "",
            "x509: unknown authority",
            "pai doctor",
        ),
        (401, status("Unauthorized", "Unauthorized"), "", "does not know you", "whoami"),
        (404, status("NotFound", "not found"), "", "not found", ""),
        (500, None, "<html>", "HTTP status 500", ""),
        (429, status("TooManyRequests", "slowly"), "", "slowly", ""),
    ],
)
def test_what_an_api_server_says(
    code: int, body: dict[str, Any] | None, text: str, message: str, hint: str
) -> None:
    _, told, advice = explained(code, body, text)
    assert message in told
    assert hint in (advice or "")
