"""Things to do to a cluster: values which a test compares and `pai.runtime.kubernetes` executes.

Each is safe to carry out twice and after having been cut short.
"""

import msgspec

from pai.reconcile.kubernetes.observed import Json, Ref


class Apply(msgspec.Struct, frozen=True):
    """Apply an object. A Secret's content is put in by the executor.

    manager: of the fields, "" = control's usual one.
    """

    document: Json
    manager: str = ""

    def __str__(self) -> str:
        return f"apply {self.document['kind']} {self.document['metadata']['name']}"


class Delete(msgspec.Struct, frozen=True):
    """Delete an object, if it still is the one with this uid. orphan: what it made stays."""

    ref: Ref
    uid: str
    orphan: bool = False

    def __str__(self) -> str:
        return f"delete {self.ref}"


class Patch(msgspec.Struct, frozen=True):
    """Merge a few fields into an object that is not rendered: a claim."""

    ref: Ref
    change: Json

    def __str__(self) -> str:
        return f"patch {self.ref}"


Action = Apply | Delete | Patch
