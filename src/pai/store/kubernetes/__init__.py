"""The store of a cluster: resources are API objects, what happened is Events, the rest is SQL.

`store.KubernetesStore` is the door. Used by `pai.control`.
"""

from pai.store.kubernetes.activity import Activity
from pai.store.kubernetes.errors import PartlyStoredError
from pai.store.kubernetes.store import KubernetesStore

__all__ = ["Activity", "KubernetesStore", "PartlyStoredError"]
