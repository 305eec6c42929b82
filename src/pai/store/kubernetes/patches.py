"""JSON merge patches between documents. Pure.

Source: RFC 7396; null removes a field, a list is replaced as a whole.
"""

from pai.kube import Json


def difference(before: Json, after: Json) -> Json:
    """Return the patch that turns `before` into `after` and names nothing that stays."""
    patch: Json = {key: None for key in before.keys() - after.keys()}
    for key, value in after.items():
        if key in before and _same(before[key], value):
            continue
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            patch[key] = difference(old, value)
        else:
            patch[key] = value
    return patch


def replacing(before: Json, after: Json) -> Json:
    """Return the patch that makes `after` of `before`, with all of `after` in it."""
    patch: Json = {key: None for key in before.keys() - after.keys()}
    for key, value in after.items():
        old = before.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        patch[key] = replacing(old, value) if both else value  # type: ignore[arg-type]
    return patch


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: true is not 1."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other
