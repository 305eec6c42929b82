"""Fields without effect yet are named, once each, and only when they are used."""

from typing import Any

import pytest
from tests.unit.api.examples import document

from pai.api.pending import PENDING, pending_uses, pending_warnings
from pai.api.validation import validate

USES: list[tuple[str, str, Any]] = [
    ("AgentWorkload", "spec.autoscaling", {"maxReplicas": 2}),
    ("AgentWorkload", "spec.cdpRelay", {"token": "canary"}),
    ("AgentWorkload", "spec.filesystem", {}),
    ("AgentWorkload", "spec.expose", [{"urlPath": "/a", "directory": "/d"}]),
    ("Provider", "spec.type", "github"),
]


def test_every_pending_field_has_a_case() -> None:
    named = {(kind, path) for kind, path, _ in USES}
    assert {(feature.kind, feature.path) for feature in PENDING} <= named


@pytest.mark.parametrize("feature", PENDING, ids=lambda feature: feature.path)
def test_a_pending_field_in_use_is_named(feature: Any) -> None:
    [value] = [v for kind, path, v in USES if (kind, path) == (feature.kind, feature.path)]
    resource = validate(document(feature.kind, feature.path, value))
    assert [use.path for use in pending_uses(resource)] == [feature.path]
    [warning] = pending_warnings(resource)
    assert warning.startswith(f"{feature.path}: no effect yet: ")
    assert "canary" not in warning


@pytest.mark.parametrize("kind", ["AgentWorkload", "ModelBinding", "Provider", "Secret"])
def test_what_is_built_is_not_named(kind: str) -> None:
    assert pending_uses(validate(document(kind))) == []
