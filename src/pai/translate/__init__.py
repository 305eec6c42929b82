"""Resources to the resolved form: names followed, defaults filled in, all faults at once. Pure.

Called by control for every agent whenever something it depends on changes.
"""

from pai.translate.agent import Translation, translate
from pai.translate.bindings import translate_binding
from pai.translate.identity import host_id
from pai.translate.provider_types import PROVIDER_TYPES
from pai.translate.providers import translate_provider
from pai.translate.references import References
from pai.translate.storage import shrunk_volumes
from pai.translate.vendors import ENDPOINTS, LLM_HOSTS
from pai.translate.warnings import apply_warnings, local_warnings

__all__ = [
    "ENDPOINTS",
    "LLM_HOSTS",
    "PROVIDER_TYPES",
    "References",
    "Translation",
    "apply_warnings",
    "host_id",
    "local_warnings",
    "shrunk_volumes",
    "translate",
    "translate_binding",
    "translate_provider",
]
