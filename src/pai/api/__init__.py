"""Resources as their authors write them: models, validation, reading YAML text. Pure.

`parse` reads text, `validate` plain data; both tell every fault at once.
"""

from pai.api.agent_status import AgentStatus, Condition
from pai.api.agentworkload import AgentWorkload
from pai.api.documents import Source, parse, parse_all
from pai.api.fault import DocumentErrors, Fault
from pai.api.kinds import BY_NOUN, BY_PLURAL, KINDS, Kind, Resource
from pai.api.metadata import (
    API_VERSION,
    DEFAULT_NAMESPACE,
    PERSONAL_ENV_ANNOTATION,
    RESTARTED_AT_ANNOTATION,
    Metadata,
)
from pai.api.modelbinding import ModelBinding
from pai.api.pending import pending_uses, pending_warnings
from pai.api.provider import Provider
from pai.api.secret import Secret
from pai.api.validation import validate, validate_all
from pai.api.yaml_text import dump_all_yaml, dump_yaml

__all__ = [
    "API_VERSION",
    "BY_NOUN",
    "BY_PLURAL",
    "DEFAULT_NAMESPACE",
    "KINDS",
    "PERSONAL_ENV_ANNOTATION",
    "RESTARTED_AT_ANNOTATION",
    "AgentStatus",
    "AgentWorkload",
    "Condition",
    "DocumentErrors",
    "Fault",
    "Kind",
    "Metadata",
    "ModelBinding",
    "Provider",
    "Resource",
    "Secret",
    "Source",
    "dump_all_yaml",
    "dump_yaml",
    "parse",
    "parse_all",
    "pending_uses",
    "pending_warnings",
    "validate",
    "validate_all",
]
