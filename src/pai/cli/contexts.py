"""Contexts: which platform a command talks to. Kept in `~/.pai/config.json`, mode 0600."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pai.cli.failures import CommandError
from pai.errors import did_you_mean
from pai.store.instance_key import write_private

LOCAL = "local"


@dataclass(frozen=True)
class Context:
    """One platform. socket: a local socket that is used in place of `server` where it exists.

    kube_context: of a platform on Kubernetes, spoken to with the credentials of that context in
    the files `kubeconfig` (separated as in PATH). There an empty namespace is the kubeconfig's.
    """

    server: str
    token: str | None = field(default=None, repr=False)
    socket: str | None = None
    namespace: str = "default"
    env: Mapping[str, str] = field(default_factory=dict)
    kubeconfig: str | None = None
    kube_context: str | None = None

    @property
    def shown(self) -> str:
        """What people know the platform by: its address, or its cluster."""
        return self.server if self.kube_context is None else f"kubernetes: {self.kube_context}"

    def forgotten(self) -> "Context":
        """Return a copy without its token.

        Raises CommandError where there is none, as the credential is the kubeconfig's.
        """
        if self.kube_context is not None:
            raise CommandError(
                f"the credential of {self.shown} is the kubeconfig's; there is no token",
                hint="pai context delete NAME forgets the context",
            )
        return replace(self, token=None)


@dataclass(frozen=True)
class Contexts:
    """All contexts by name, and the one in use."""

    current: str | None = None
    by_name: Mapping[str, Context] = field(default_factory=dict)

    def pick(self, name: str | None) -> tuple[str, Context]:
        """Return the named context, or the one in use.

        Raises CommandError when there is none.
        """
        wanted = name or self.current
        if wanted is None:
            raise CommandError("no platform is known", hint="pai up, or pai login HOST")
        if wanted not in self.by_name:
            close = did_you_mean(wanted, sorted(self.by_name))
            raise CommandError(f"no context named {wanted!r}", hint=close or "pai context list")
        return wanted, self.by_name[wanted]

    def with_context(self, name: str, context: Context, *, use: bool) -> "Contexts":
        """Return a copy with `context` added or replaced."""
        current = name if use or self.current is None else self.current
        return Contexts(current, {**self.by_name, name: context})

    def remembering(self, name: str, context: Context) -> "Contexts":
        """Return a copy with `context` in use; the variables of one of that name stay."""
        env = self.by_name[name].env if name in self.by_name else {}
        return self.with_context(name, replace(context, env=env), use=True)

    def without(self, name: str) -> "Contexts":
        """Return a copy without the named context; the one in use may become none."""
        rest = {key: value for key, value in self.by_name.items() if key != name}
        return Contexts(None if self.current == name else self.current, rest)

    def use(self, name: str) -> "Contexts":
        """Return a copy in which the named context is in use."""
        return replace(self, current=self.pick(name)[0])


def load(path: Path) -> tuple[Contexts, str | None]:
    """Return the contexts in `path`, and a warning when its permissions had to be repaired.

    A missing file gives none. Raises CommandError when the file is another user's or not ours to
    read as JSON.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Contexts(), None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", hint="it must be a plain file") from error
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        warning = _repair(path, stream.fileno())
        return _parse(path, stream.read()), warning


def save(path: Path, contexts: Contexts) -> None:
    """Write `contexts` to `path` atomically, mode 0600."""
    by_name = {name: asdict(context) for name, context in sorted(contexts.by_name.items())}
    document = {"current": contexts.current, "contexts": by_name}
    write_private(path, (json.dumps(document, indent=2) + "\n").encode())


def _repair(path: Path, descriptor: int) -> str | None:
    status = os.fstat(descriptor)
    if status.st_uid != os.getuid():
        raise CommandError(f"{path} belongs to another user", hint="set PAI_HOME to your own")
    if not stat.S_IMODE(status.st_mode) & 0o077:
        return None
    os.fchmod(descriptor, 0o600)
    return f"{path} could be read by other users; its mode is 0600 now (its tokens may be known)"


def _parse(path: Path, text: str) -> Contexts:
    try:
        document: dict[str, Any] = json.loads(text)
        by_name = {name: Context(**entry) for name, entry in document["contexts"].items()}
        return Contexts(document.get("current"), by_name)
    except (ValueError, TypeError, KeyError, AttributeError):
        # The cause is left out: it may quote a token.
        raise CommandError(
            f"{path}: not a valid list of contexts", hint="move it away, then pai up or pai login"
        ) from None
