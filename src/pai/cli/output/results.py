"""What `apply` and `create` did: one line a document."""

from collections.abc import Sequence

from pai.cli.output.paint import Paint
from pai.cli.output.resource import Resource, items, text


def results(found: Sequence[Resource], paint: Paint) -> str:
    """Return `agentworkload/name created|configured|unchanged` lines, in the order given."""
    return "".join(f"{_name(item)} {_painted(text(item, 'result'), paint)}\n" for item in found)


def warnings(found: Sequence[Resource], paint: Paint) -> str:
    """Return one `warning:` line for every warning of every document."""
    return "".join(
        f"{paint.warn('warning:')} {_name(item)}: {text({'w': warning}, 'w')}\n"
        for item in found
        for warning in items(item, "warnings")
    )


def _name(item: Resource) -> str:
    return f"{text(item, 'kind').lower()}/{text(item, 'name')}"


def _painted(result: str, paint: Paint) -> str:
    return paint.dim(result) if result == "unchanged" else paint.good(result)
