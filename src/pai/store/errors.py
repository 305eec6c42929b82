"""Errors of the store."""

from pai.errors import PaiError, SpecError


class VersionGoneError(PaiError):
    """The change log no longer reaches back that far; list again and watch from there."""

    reason = "Gone"


class KeyMismatchError(SpecError):
    """`instance.key` is not the key that sealed the secrets of this store."""

    reason = "KeyMismatch"


class SchemaTooNewError(SpecError):
    """The file was written by a newer version of Pai."""

    reason = "SchemaTooNew"
