"""Pai's own objects on a cluster: what `pai install kubernetes` applies, from options alone."""

from pai.render.platform.access import CONTROL_RULES, OWN_NAMESPACE_RULES, Rule
from pai.render.platform.installation import render_platform
from pai.render.platform.manifest import INSTALLER, MANAGED_BY, PART_OF, Manifest
from pai.render.platform.options import DATABASE_SECRET, Database, Options, Resources
from pai.render.platform.people import EDIT_RULES, VIEW_RULES

__all__ = [
    "CONTROL_RULES",
    "DATABASE_SECRET",
    "EDIT_RULES",
    "INSTALLER",
    "MANAGED_BY",
    "OWN_NAMESPACE_RULES",
    "PART_OF",
    "VIEW_RULES",
    "Database",
    "Manifest",
    "Options",
    "Resources",
    "Rule",
    "render_platform",
]
