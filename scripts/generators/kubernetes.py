"""deploy/kubernetes: a kustomize base by the installer's own renderers; and the page of rights."""

from collections.abc import Iterable
from pathlib import Path

from scripts.generators.crds import DIRECTORY as DEFINITIONS

from pai.api import dump_all_yaml, dump_yaml
from pai.api.crd import DEFINED_KINDS
from pai.render.platform import (
    CONTROL_RULES,
    EDIT_RULES,
    OWN_NAMESPACE_RULES,
    VIEW_RULES,
    Manifest,
    Options,
    Rule,
    render_platform,
)
from pai.render.platform.manifest import COMPONENT

_ROOT = Path("deploy/kubernetes")
_BASE = _ROOT / "base"
_PAGE = Path("docs/reference/rights.md")
_HEAD = "# Made by `make generate` from pai.render.platform; do not edit.\n"
_BY_KIND = {
    "Namespace": "namespace",
    "ServiceAccount": "rights",
    "ClusterRole": "rights",
    "ClusterRoleBinding": "rights",
    "Role": "rights",
    "RoleBinding": "rights",
    "NetworkPolicy": "network",
    "APIService": "aggregation",
}
_PAGE_HEAD = """\
# Rights on a cluster

<!-- Made by `make generate` from pai.render.platform; do not edit. -->

Every rule that [`pai install kubernetes`](../kubernetes.md) sets up, and why. No rule has a
wildcard; gateway, edge and agents' pods have no right and no token.
"""
_SECTIONS: tuple[tuple[str, str, tuple[Rule, ...]], ...] = (
    ("Control, in the whole cluster", "ClusterRole `pai-control`.", CONTROL_RULES),
    (
        "Control, in the platform's namespace",
        "Role `pai-control`; and in `kube-system` the cluster's own Role "
        "`extension-apiserver-authentication-reader`, which says whose certificates the API server "
        "vouches with.",
        OWN_NAMESPACE_RULES,
    ),
    (
        "`pai-view`, for people",
        "Part of the cluster's role `view`, and so of `edit` and `admin`.",
        VIEW_RULES,
    ),
    (
        "`pai-edit`, for people: all of `pai-view`, and",
        "Part of the cluster's roles `edit` and `admin`.",
        EDIT_RULES,
    ),
)
_PAGE_END = """
Everybody whom the API server knows may ask `platform.pai.io` for its version (ClusterRole
`pai-version`).
"""


def generate() -> dict[Path, str]:
    """Return the base, the kustomization above it with the definitions, and the page."""
    files: dict[str, list[Manifest]] = {}
    for document in render_platform(Options()):
        files.setdefault(_file(document), []).append(document)
    base = {_BASE / name: _HEAD + dump_all_yaml(found) for name, found in files.items()}
    definitions = [f"{DEFINITIONS.name}/{kind.lower()}.yaml" for kind in DEFINED_KINDS]
    return {
        **base,
        _BASE / "kustomization.yaml": _kustomization(files),
        _ROOT / "kustomization.yaml": _kustomization([*definitions, _BASE.name]),
        _PAGE: _page(),
    }


def _file(document: Manifest) -> str:
    component = document["metadata"]["labels"].get(COMPONENT, "")
    return f"{_BY_KIND.get(document['kind'], component)}.yaml"


def _kustomization(resources: Iterable[str]) -> str:
    return _HEAD + dump_yaml(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": list(resources),
        }
    )


def _page() -> str:
    sections = (_section(*section) for section in _SECTIONS)
    return _PAGE_HEAD + "".join(sections) + _PAGE_END


def _section(title: str, text: str, rules: tuple[Rule, ...]) -> str:
    head = "| group | resources | verbs | why |\n|---|---|---|---|\n"
    return f"\n## {title}\n\n{text}\n\n{head}" + "".join(map(_row, rules))


def _row(rule: Rule) -> str:
    names = f" (only `{'`, `'.join(rule.names)}`)" if rule.names else ""
    cells = (
        f"`{rule.group}`" if rule.group else "core",
        ", ".join(f"`{resource}`" for resource in rule.resources) + names,
        ", ".join(rule.verbs),
        rule.reason,
    )
    return f"| {' | '.join(cells)} |\n"
