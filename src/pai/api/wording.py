"""Pydantic's findings in our words: what is wrong and the way out, never the value itself."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic_core import ErrorDetails

from pai.api.fault import CUSTOM_TYPE, Path, Problem
from pai.api.model import ApiModel, wire_name
from pai.errors import did_you_mean

# Words people carry over from elsewhere.
_SYNONYMS = {
    "data": "stringData",
    "environment": "env",
    "models": "modelBindings",
    "services": "providers",
    "tokenLimits": "tokens",
}

_Wording = Callable[[Mapping[str, Any], object], tuple[str, str | None]]


def what_it_is(value: object) -> str:
    """Name the type of a value as the author sees it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def _must_be(wanted: str) -> _Wording:
    def word(_: Mapping[str, Any], value: object) -> tuple[str, str | None]:
        return f"must be {wanted}, not {what_it_is(value)}", None

    return word


def _must_be_text(_: Mapping[str, Any], value: object) -> tuple[str, str | None]:
    quotes = isinstance(value, bool | int | float)
    hint = "put quotes around it" if quotes else None
    return f"must be text, not {what_it_is(value)}", hint


def _must_be_number(_: Mapping[str, Any], value: object) -> tuple[str, str | None]:
    hint = "leave the quotes out" if isinstance(value, str) else None
    whole = "a whole number"
    is_fraction = isinstance(value, float)
    return f"must be {whole}{'' if is_fraction else f', not {what_it_is(value)}'}", hint


def _choice(context: Mapping[str, Any], value: object) -> tuple[str, str | None]:
    expected = str(context["expected"])
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    hint = did_you_mean(value, known) if isinstance(value, str) else None
    return f"must be {'one of ' if len(known) > 1 else ''}{expected}", hint


def _bound(text: str, field: str) -> _Wording:
    def word(context: Mapping[str, Any], _: object) -> tuple[str, str | None]:
        bound = context[field]
        whole = isinstance(bound, float) and bound.is_integer()
        return text.format(int(bound) if whole else bound), None

    return word


def _fixed(text: str) -> _Wording:
    return lambda _context, _value: (text, None)


# Keyed by pydantic's error type. Source: https://docs.pydantic.dev/latest/errors/validation_errors/
_WORDINGS: dict[str, _Wording] = {
    "missing": _fixed("required field is missing"),
    "string_type": _must_be_text,
    "int_type": _must_be_number,
    "int_from_float": _must_be_number,
    "int_parsing_size": _fixed("is too large"),
    "float_type": _must_be("a number"),
    "finite_number": _fixed("must be a finite number"),
    "bool_type": _must_be("true or false"),
    "tuple_type": _must_be("a list"),
    "dict_type": _must_be("a mapping"),
    "model_type": _must_be("a mapping of fields"),
    "literal_error": _choice,
    "greater_than": _bound("must be above {}", "gt"),
    "greater_than_equal": _bound("must be at least {}", "ge"),
    "less_than_equal": _bound("must be at most {}", "le"),
    "too_short": _bound("must have at least {} entry", "min_length"),
    "too_long": _bound("must have at most {} entries", "max_length"),
    "string_too_long": _bound("must have at most {} characters", "max_length"),
    "string_unicode": _fixed("must be valid Unicode text"),
}


def problems_of(root: type[ApiModel], details: ErrorDetails) -> list[Problem]:
    """Return what one finding of pydantic means. Shape: paths from the document's root."""
    path: Path = tuple(part for part in details["loc"] if part != "[key]")
    context = details.get("ctx", {})
    kind = details["type"]
    if kind == CUSTOM_TYPE:
        return [found._replace(path=path + found.path) for found in context["problems"]]
    if kind == "extra_forbidden":
        return [Problem("unknown field", _field_hint(root, path), path)]
    wording = _WORDINGS.get(kind, _fixed("is not valid here"))
    message, hint = wording(context, details["input"])
    return [Problem(message, hint, path)]


def _field_hint(root: type[ApiModel], path: Path) -> str | None:
    """Name the field that was probably meant, or the place where the field belongs."""
    model = model_at(root, path[:-1])
    word = str(path[-1])
    known = field_names(model) if model else []
    synonym = _SYNONYMS.get(word)
    if synonym in known:
        return f"did you mean {synonym!r}?"
    close = did_you_mean(word, known)
    if close or len(path) > 1:
        return close
    spec = model_at(root, ("spec",))
    belongs = spec is not None and word in field_names(spec)
    return f"it belongs into 'spec': check the indentation of {word!r}" if belongs else None


def field_names(model: type[ApiModel]) -> list[str]:
    """Return the wire names of a model's fields."""
    return [wire_name(name) for name in model.model_fields]


def model_at(root: type[ApiModel], path: Path) -> type[ApiModel] | None:
    """Return the model of the part of a document that `path` leads to."""
    model: type[ApiModel] | None = root
    for part in path:
        if isinstance(part, int):
            continue
        if model is None:
            return None
        fields = {wire_name(name): info for name, info in model.model_fields.items()}
        model = nested_model(fields[part].annotation) if part in fields else None
    return model


def nested_model(annotation: object) -> type[ApiModel] | None:
    """Return the model inside `Model | None`, `tuple[Model, ...]` or an annotated form of them."""
    if isinstance(annotation, type) and issubclass(annotation, ApiModel):
        return annotation
    for inner in get_args(annotation):
        found = nested_model(inner)
        if found is not None:
            return found
    return None
