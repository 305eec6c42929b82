"""Which entry of a Secret is meant."""

from collections.abc import Collection, Mapping

from pai.api.modelbinding import DEFAULT_SECRET_KEY
from pai.errors import RefNotFoundError
from pai.ir.provider import SecretRef

FALLBACK_KEY = "api-key"


def chosen_key(wanted: str, keys: Collection[str]) -> str | None:
    """Return the entry to use, or None.

    `token` stands for `api-key` or the only entry where it does not exist; any other key is exact.
    """
    if wanted in keys:
        return wanted
    if wanted != DEFAULT_SECRET_KEY:
        return None
    if FALLBACK_KEY in keys:
        return FALLBACK_KEY
    return next(iter(keys)) if len(keys) == 1 else None


def secret_ref(
    name: str,
    key: str,
    secret_keys: Mapping[str, Collection[str]],
    name_path: str,
    key_path: str,
) -> SecretRef | RefNotFoundError:
    """Return the entry that name and key lead to, or what is missing.

    secret_keys: names of the entries of every Secret, by its name.
    """
    if name not in secret_keys:
        return RefNotFoundError(name_path, "Secret", name, sorted(secret_keys))
    keys = secret_keys[name]
    chosen = chosen_key(key, keys)
    if chosen is None:
        return RefNotFoundError(key_path, f"entry in Secret {name!r}", key, sorted(keys))
    return SecretRef(name, chosen)
