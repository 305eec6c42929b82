"""Turn plain data (parsed YAML or JSON) into a resource, or say everything that is wrong with it.

Called by `pai.api.documents` and, with JSON bodies, by the control API.
"""

import math
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from pai.api.fault import DocumentErrors, Fault, Path, Problem, path_text
from pai.api.kinds import API_VERSION, KINDS, Resource
from pai.api.wording import problems_of, what_it_is
from pai.errors import did_you_mean

MAX_DEPTH = 64
MAX_NODES = 200_000


def validate(data: object) -> Resource:
    """Return the resource that `data` describes. Raises DocumentErrors with all faults."""
    return validate_all([data])[0]


def validate_all(documents: Sequence[object]) -> list[Resource]:
    """Return the resources of several documents, in their order.

    Raises DocumentErrors with all faults of all documents, also when two have the same name.
    """
    resources: list[Resource] = []
    numbers: list[int] = []
    faults: list[Fault] = []
    for number, data in enumerate(documents, start=1):
        resource, problems = examine(data)
        faults += [as_fault(problem, document=number) for problem in problems]
        if resource is not None:
            resources.append(resource)
            numbers.append(number)
    faults += [as_fault(problem, document=numbers[index]) for index, problem in doubles(resources)]
    if faults:
        raise DocumentErrors(faults)
    return resources


def as_fault(problem: Problem, *, document: int = 1, source: str = "", line: int = 0) -> Fault:
    """Return a problem as the fault of one document."""
    return Fault(
        message=problem.message,
        path=path_text(problem.path),
        hint=problem.hint,
        source=source,
        document=document,
        line=line,
    )


def doubles(resources: Iterable[Resource]) -> list[tuple[int, Problem]]:
    """Return index and problem of each resource whose kind and name an earlier one has."""
    seen: set[tuple[str, str | None, str]] = set()
    found = []
    for index, resource in enumerate(resources):
        identity = (resource.kind, resource.metadata.namespace, resource.name)
        if identity in seen:
            message = f"another document describes {resource.kind} {resource.name!r} too"
            found.append((index, Problem(message, path=("metadata", "name"))))
        seen.add(identity)
    return found


def examine(data: object) -> tuple[Resource | None, list[Problem]]:
    """Return the resource and no problems, or None and every problem with its full path."""
    problems = _not_json(data) or _header_problems(data)
    if problems or not isinstance(data, dict):
        return None, problems
    model = KINDS[data["kind"]].model
    try:
        return model.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    found = [problem for detail in details for problem in problems_of(model, detail)]
    return None, sorted(set(found), key=_by_path)


def _by_path(problem: Problem) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in problem.path]


def _header_problems(data: object) -> list[Problem]:
    if not isinstance(data, dict):
        return [Problem(f"a document must be a mapping of fields, not {what_it_is(data)}")]
    problems = []
    version = data.get("apiVersion")
    if version is None:
        message = "required field is missing"
        problems.append(Problem(message, f"write 'apiVersion: {API_VERSION}'", ("apiVersion",)))
    elif version != API_VERSION:
        problems.append(Problem(f"must be {API_VERSION!r}", path=("apiVersion",)))
    kind = data.get("kind")
    kinds = ", ".join(KINDS)
    if kind is None:
        message = "required field is missing"
        problems.append(Problem(message, f"one of {kinds}", ("kind",)))
    elif not isinstance(kind, str) or kind not in KINDS:
        hint = did_you_mean(kind, list(KINDS)) if isinstance(kind, str) else None
        problems.append(Problem("unknown kind", hint or f"one of {kinds}", ("kind",)))
    if problems and isinstance(kind, str) and kind in KINDS:
        # The rest can be judged all the same.
        problems += examine({**data, "apiVersion": API_VERSION})[1]
    return problems


def _not_json(data: object) -> list[Problem]:
    """Return a problem for what JSON could not hold, and for documents that are too deep."""
    waiting: list[tuple[Path, object]] = [((), data)]
    nodes = 0
    while waiting:
        path, value = waiting.pop()
        nodes += 1
        if len(path) > MAX_DEPTH or nodes > MAX_NODES:
            return [Problem("the document is nested too deeply or too large", path=path[:3])]
        if isinstance(value, dict):
            for key, inner in value.items():
                if not isinstance(key, str) or not _is_unicode(key):
                    return [Problem("a field name must be text", "put quotes around it", path)]
                waiting.append(((*path, key), inner))
        elif isinstance(value, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(value)]
        else:
            problem = _scalar_problem(value)
            if problem:
                return [Problem(problem, path=path)]
    return []


def _scalar_problem(value: object) -> str | None:
    if isinstance(value, str):
        return None if _is_unicode(value) else "must be valid Unicode text"
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    if isinstance(value, int):
        return None if abs(value) < 2**63 else "is too large"
    return None if value is None else f"must be plain data, not {type(value).__name__}"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
