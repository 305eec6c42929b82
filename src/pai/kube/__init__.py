"""The only package that speaks to a Kubernetes API server: calls, mirrors and leadership.

Objects are plain JSON throughout; typed models would cost more memory than all else in control.
Connection and credentials come from lightkube; its HTTP client is called directly, because
bookmarks, dry runs, preconditions, patches of a subresource and `Retry-After` are not part of
its own API. Used by `pai.store.kubernetes`, `pai.runtime.kubernetes`, control and the CLI.
"""

from pai.kube.client import Kube
from pai.kube.errors import Cause, KubeConfigError, KubeRefusedError, KubeUnavailableError
from pai.kube.exec_session import ExecOutput, ExecSession
from pai.kube.kinds import Json, Kind, kind_of
from pai.kube.leadership import Leadership
from pai.kube.mirror import Mirror
from pai.kube.mirror_state import ChangeType

__all__ = [
    "Cause",
    "ChangeType",
    "ExecOutput",
    "ExecSession",
    "Json",
    "Kind",
    "Kube",
    "KubeConfigError",
    "KubeRefusedError",
    "KubeUnavailableError",
    "Leadership",
    "Mirror",
    "kind_of",
]
