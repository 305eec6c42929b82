"""Does a stored object still hold what was rendered? Fields of others are never looked at.

The API server fills in defaults and other managers add fields of theirs; neither is a difference.
"""

from typing import Any

_IDENTITY = ("name", "mountPath", "path", "uid", "key")


def holds(stored: Any, rendered: Any) -> bool:
    """Say whether every field of `rendered` has its value in `stored`.

    Lists of named things are compared by name, so that an added one is no difference; other lists
    must be equal in length and order. An empty value holds where nothing is stored.
    """
    if isinstance(rendered, dict):
        return _holds_fields(stored, rendered)
    if isinstance(rendered, list):
        return _holds_items(stored, rendered)
    return bool(stored == rendered) or (rendered in ("", None) and stored is None)


def _holds_fields(stored: Any, rendered: dict[str, Any]) -> bool:
    if not isinstance(stored, dict):
        return stored is None and not rendered
    return all(holds(stored.get(name), value) for name, value in rendered.items())


def _holds_items(stored: Any, rendered: list[Any]) -> bool:
    if not isinstance(stored, list):
        return stored is None and not rendered
    identity = _identity(rendered)
    if identity is None:
        same = len(stored) == len(rendered)
        return same and all(holds(*pair) for pair in zip(stored, rendered, strict=True))
    named = {item.get(identity): item for item in stored if isinstance(item, dict)}
    return all(holds(named.get(item[identity]), item) for item in rendered)


def _identity(items: list[Any]) -> str | None:
    """Return the field that tells a list's items apart, None when they are plain values."""
    for name in _IDENTITY:
        values = [item.get(name) for item in items if isinstance(item, dict)]
        if len(values) == len(items) and all(values) and len(set(map(str, values))) == len(values):
            return name
    return None
