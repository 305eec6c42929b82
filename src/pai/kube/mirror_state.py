"""What a mirror knows, and how it follows lists, watch events and our own writes. Pure.

The server's stream is the truth. Our own writes are ahead of it: what a write answered is taken
at once, and older news about that object, still on the way, is passed over until the stream has
caught up.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from pai.kube.kinds import Json
from pai.kube.packed import ObjectKey, PackedObjects

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class ObjectChange(NamedTuple):
    """What happened to one object; of a deleted one, its last known form."""

    type: ChangeType
    object: Json


class _Ahead(NamedTuple):
    """A write of ours that the stream has not told yet. gone: it removed the object."""

    uid: str
    version: int
    gone: bool


def key_of(found: Json) -> ObjectKey:
    """Return (namespace, name) of an object; "" for one that has no namespace."""
    metadata = found["metadata"]
    return str(metadata.get("namespace") or ""), str(metadata["name"])


def uid_of(found: Json) -> str:
    """Return the uid of an object."""
    return str(found["metadata"].get("uid", ""))


def version_of(found: Json) -> int:
    """Return the version of an object as a number, 0 when it is none.

    Versions of one resource grow, and have been promised to be comparable numbers since
    Kubernetes 1.35; the API server has never given others.
    """
    return _number(str(found["metadata"].get("resourceVersion", "")))


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0


class MirrorState:
    """Objects of one kind by (namespace, name), and the version to watch on from.

    Every method returns the changes to tell, in order; told one after the other they lead from
    the objects before to the objects after.
    """

    def __init__(self) -> None:
        self.objects = PackedObjects()
        self.version = ""
        self._ahead: dict[ObjectKey, _Ahead] = {}

    def list_begins(self) -> None:
        """Note that a list is asked for: it will hold every write made until now."""
        self._ahead.clear()

    def listed(self, items: Iterable[Json], version: str) -> list[ObjectChange]:
        """Take a whole list that was asked for after the last `list_begins`."""
        found = {key_of(item): item for item in items}
        reached = _number(version)
        changes: list[ObjectChange] = []
        for key in [key for key in self.objects if key not in found]:
            ahead = self._ahead.get(key)
            if ahead is None or ahead.version <= reached:  # else made after the list was drawn
                changes += self._drop(key)
        for key, item in found.items():
            if not self._outdated(key, item):
                changes += self._take(key, item)
        self._ahead = {
            key: ahead
            for key, ahead in self._ahead.items()
            if ahead.gone or ahead.version > reached
        }
        self.version = version
        return changes

    def happened(self, event_type: str, found: Json) -> list[ObjectChange]:
        """Take one event of a watch, BOOKMARK among them."""
        version = str(found["metadata"].get("resourceVersion", ""))
        self.version = version or self.version
        if event_type == "BOOKMARK":
            return []
        key = key_of(found)
        deleted = event_type == "DELETED"
        if self._outdated(key, found, deleted=deleted):
            return []
        self._ahead.pop(key, None)
        return self._drop(key) if deleted else self._take(key, found)

    def written(self, found: Json) -> list[ObjectChange]:
        """Take the answer to a write of ours, unless the stream has told more already."""
        key, version = key_of(found), version_of(found)
        if version <= _number(self.version):
            return []
        if self._outdated(key, found):
            return []
        self._ahead[key] = _Ahead(uid_of(found), version, gone=False)
        return self._take(key, found)

    def removed(self, key: ObjectKey, uid: str) -> list[ObjectChange]:
        """Take the answer to a removal of ours: the object with that uid is no more."""
        known = self.objects.get(key)
        if known is None:  # perhaps the stream has yet to tell that it ever was
            self._ahead.setdefault(key, _Ahead(uid, 0, gone=True))
            return []
        if uid_of(known) != uid:
            return []
        self._ahead[key] = _Ahead(uid, version_of(known), gone=True)
        return self._drop(key)

    def _outdated(self, key: ObjectKey, found: Json, *, deleted: bool = False) -> bool:
        """Say whether news is older than a write of ours."""
        ahead = self._ahead.get(key)
        if ahead is None:
            return False
        removed = ahead.gone and not deleted and ahead.uid == uid_of(found)
        return removed or version_of(found) < ahead.version

    def _take(self, key: ObjectKey, found: Json) -> list[ObjectChange]:
        known = self.objects.get(key)
        if known is None:
            self.objects[key] = found
            return [ObjectChange("ADDED", found)]
        if uid_of(known) != uid_of(found):  # made anew while nobody told us
            gone = self._drop(key)
            self.objects[key] = found
            return [*gone, ObjectChange("ADDED", found)]
        if known["metadata"].get("resourceVersion") == found["metadata"].get("resourceVersion"):
            return []
        self.objects[key] = found
        return [ObjectChange("MODIFIED", found)]

    def _drop(self, key: ObjectKey) -> list[ObjectChange]:
        gone = self.objects.pop(key, None)
        return [] if gone is None else [ObjectChange("DELETED", gone)]
