"""Texts of an author in fields where Kubernetes expands `$(NAME)`."""

from collections.abc import Iterable


def literal(text: str) -> str:
    """Return what Kubernetes expands to `text`.

    Every `$` is doubled, not only the one of `$(`: `$$` alone would become `$`, and `$$(A)` would,
    once its last two characters were escaped, be read as an escaped `$` and a reference.
    Source: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return text.replace("$", "$$")


def literals(texts: Iterable[str]) -> list[str]:
    """Return each of `texts` so that it is taken as it is."""
    return [literal(text) for text in texts]
