"""Field types in Kubernetes' own grammar: label keys and values, names of its objects.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from pai.api import cel
from pai.api.fault import Problem, all_wrong, wrong
from pai.api.model import Cel, Twin
from pai.api.scalars import echo

LONGEST_OBJECT_NAME = 253
LONGEST_LABEL_VALUE = 63

_SUBDOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_OBJECT_NAME = re.compile(_SUBDOMAIN)
_KEY = re.compile(rf"(?:(?P<prefix>{_SUBDOMAIN})/)?{_WORD}")
_VALUE = re.compile(rf"(?:{_WORD})?")

_KEY_PATTERN = rf"(?:{_SUBDOMAIN}/)?{_WORD}"
_VALUE_WORDS = "a label value has at most 63 letters, digits, '-', '_' and '.'"
_KEY_HINT = "e.g. zone or example.com/zone: letters, digits, '-', '_' and '.'"
_NAME_HINT = "use lower-case letters, digits, '-' and '.'"


def is_label_key(value: str) -> bool:
    """Say whether a text is `name` or `prefix/name` as Kubernetes takes it."""
    match = _KEY.fullmatch(value)
    return match is not None and len(match["prefix"] or "") <= LONGEST_OBJECT_NAME


def label_key(value: str) -> str:
    """Check the key of a label or a taint."""
    if not is_label_key(value):
        raise wrong(f"{echo(value)} is no label key", _KEY_HINT)
    return value


def label_value(value: str) -> str:
    """Check the value of a label or a taint."""
    if not _VALUE.fullmatch(value):
        raise wrong(_VALUE_WORDS)
    return value


def labels(marks: dict[str, str]) -> dict[str, str]:
    """Check the keys of labels, all at once."""
    problems = [
        Problem(f"{echo(key)} is no label key", _KEY_HINT, (key,))
        for key in marks
        if not is_label_key(key)
    ]
    if problems:
        raise all_wrong(problems)
    return marks


def object_name(value: str) -> str:
    """Check the name of an object of the cluster, such as a class: dots are possible."""
    if len(value) > LONGEST_OBJECT_NAME or not _OBJECT_NAME.fullmatch(value):
        raise wrong(f"{echo(value)} is no name", _NAME_HINT)
    return value


def _is_key(name: str) -> str:
    return (
        f"{name}.matches({cel.literal(f'^{_KEY_PATTERN}$')}) "
        f"&& size({name}.split('/')[0]) <= {LONGEST_OBJECT_NAME}"
    )


LabelKey = Annotated[
    str,
    Field(max_length=LONGEST_OBJECT_NAME + 1 + LONGEST_LABEL_VALUE),
    AfterValidator(label_key),
    Twin(Cel(_is_key("self"), "is no label key", hint=_KEY_HINT)),
]
LabelValue = Annotated[
    str,
    AfterValidator(label_value),
    Twin(cel.matches(_VALUE.pattern, _VALUE_WORDS)),
    Field(json_schema_extra={"maxLength": LONGEST_LABEL_VALUE}),
]
_LABEL_KEYS = Twin(Cel(f"self.all(key, {_is_key('key')})", "a key is no label key", hint=_KEY_HINT))
Labels = Annotated[dict[str, LabelValue], AfterValidator(labels)]
NodeLabels = Annotated[
    dict[str, LabelValue], Field(max_length=32), AfterValidator(labels), _LABEL_KEYS
]
ObjectName = Annotated[
    str,
    AfterValidator(object_name),
    Twin(cel.matches(_SUBDOMAIN, "is no name", _NAME_HINT)),
    Field(json_schema_extra={"maxLength": LONGEST_OBJECT_NAME}),
]
