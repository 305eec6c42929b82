"""The mirror follows any order of lists, events, cuts and answers to the server's own end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pai.kube.kinds import Json
from pai.kube.mirror_state import MirrorState, ObjectChange, key_of, uid_of, version_of
from pai.kube.packed import ObjectKey

NAMES = ("a", "a", "b")


def made(name: str, version: int, uid: str = "") -> Json:
    metadata = {"name": name, "namespace": "n", "uid": uid or f"u-{name}"}
    return {"metadata": {**metadata, "resourceVersion": str(version)}}


class Server:
    """What an API server holds and has told, with our own writes among all others."""

    def __init__(self) -> None:
        self.version = 10
        self.objects: dict[str, Json] = {}
        self.history: list[tuple[int, str, Json]] = []

    def write(self, name: str) -> Json:
        self.version += 1
        before = self.objects.get(name)
        uid = uid_of(before) if before else f"uid-{self.version}"
        self.objects[name] = found = made(name, self.version, uid)
        self.history.append((self.version, "MODIFIED" if before else "ADDED", found))
        return found

    def delete(self, name: str) -> Json | None:
        gone = self.objects.pop(name, None)
        if gone is None:
            return None
        self.version += 1
        self.history.append((self.version, "DELETED", made(name, self.version, uid_of(gone))))
        return gone

    def after(self, version: int) -> list[tuple[int, str, Json]]:
        return [event for event in self.history if event[0] > version]


class Play:
    """One mirror and one server; every step is legal at any time."""

    def __init__(self) -> None:
        self.server = Server()
        self.state = MirrorState()
        self.told: list[ObjectChange] = []
        self.answers: list[tuple[str, Any]] = []
        self.listing: tuple[list[Json], str] | None = None
        self.listed_once = False
        self.answered: list[Json] = []
        self.ended: set[str] = set()

    def step(self, what: str, name: str) -> None:
        getattr(self, what)(name)
        for uid in self.ended:
            assert uid not in map(uid_of, self.state.objects.values()), "came back"
        for found in self.answered:
            self.reads_own_write(found)

    def others_write(self, name: str) -> None:
        self.server.write(name)

    def others_delete(self, name: str) -> None:
        self.server.delete(name)

    def we_write(self, name: str) -> None:
        self.answers.append(("written", self.server.write(name)))

    def we_delete(self, name: str) -> None:
        gone = self.server.delete(name)
        if gone is not None:
            self.answers.append(("removed", gone))

    def answer(self, _name: str) -> None:
        if not self.answers:
            return
        kind, found = self.answers.pop(0)
        if kind == "written":
            self.told += self.state.written(found)
            self.answered.append(found)
        else:
            self.told += self.state.removed(key_of(found), uid_of(found))
            if key_of(found) not in self.state.objects:
                self.ended.add(uid_of(found))

    def reads_own_write(self, found: Json) -> None:
        known = self.state.objects.get(key_of(found))
        ended = any(
            kind == "DELETED" and uid_of(gone) == uid_of(found)
            for _, kind, gone in self.server.history
        )
        assert ended or (known is not None and version_of(known) >= version_of(found))

    def begin_list(self, _name: str) -> None:
        self.state.list_begins()
        # An answer that comes later is of a write that the list may hold or not.
        self.listing = ([], "")

    def draw_list(self, _name: str) -> None:
        if self.listing is not None:
            self.listing = (list(self.server.objects.values()), str(self.server.version))

    def end_list(self, _name: str) -> None:
        if self.listing is None or not self.listing[1]:
            return
        self.told += self.state.listed(*self.listing)
        self.listing, self.listed_once = None, True

    def event(self, _name: str) -> None:
        if self.listing is not None or not self.listed_once:
            return
        for _, kind, found in self.server.after(int(self.state.version))[:1]:
            self.told += self.state.happened(kind, found)

    def same_event_again(self, _name: str) -> None:
        if self.listing is not None or not self.listed_once:
            return
        for version, kind, found in self.server.history:
            if version == int(self.state.version):
                self.told += self.state.happened(kind, found)

    def bookmark(self, _name: str) -> None:
        if self.listing is None and self.listed_once:
            waiting = self.server.after(int(self.state.version))
            reached = waiting[0][0] - 1 if waiting else self.server.version
            found = {"metadata": {"resourceVersion": str(reached)}}
            assert self.state.happened("BOOKMARK", found) == []

    def finish(self) -> None:
        if not self.listed_once and self.listing is None:
            self.begin_list("")
        if self.listing is not None:
            if not self.listing[1]:
                self.draw_list("")
            self.end_list("")
        while self.answers:
            self.answer("")
        while self.server.after(int(self.state.version)):
            self.event("")


STEPS = st.sampled_from(
    3 * ["others_write", "we_write", "answer", "event"]
    + 2 * ["others_delete", "we_delete"]
    + ["begin_list", "draw_list", "end_list", "same_event_again", "bookmark"]
)
LISTED = [("begin_list", ""), ("draw_list", ""), ("end_list", "")]


@settings(max_examples=500, deadline=None)
@given(st.booleans(), st.lists(st.tuples(STEPS, st.sampled_from(NAMES)), max_size=30))
def test_any_course_of_things_ends_at_the_servers_objects(
    listed: bool, steps: list[tuple[str, str]]
) -> None:
    play = Play()
    for what, name in LISTED * listed + steps:
        play.step(what, name)
    play.finish()
    assert play.state.objects == {key_of(found): found for found in play.server.objects.values()}
    assert replayed(play.told) == play.state.objects


def replayed(changes: list[ObjectChange]) -> dict[ObjectKey, Json]:
    """Follow the changes as a listener would, and check that each makes sense."""
    objects: dict[ObjectKey, Json] = {}
    for kind, found in changes:
        key = key_of(found)
        known = objects.get(key)
        if kind == "ADDED":
            assert known is None
            objects[key] = found
        elif kind == "MODIFIED":
            assert known is not None and uid_of(known) == uid_of(found)
            assert version_of(known) < version_of(found), "went back in time"
            objects[key] = found
        else:
            assert known is not None and uid_of(known) == uid_of(found)
            del objects[key]
    return objects


def test_what_vanished_between_lists_is_told() -> None:
    state = MirrorState()
    state.listed([made("a", 1), made("b", 2)], "5")
    changes = state.listed([made("b", 7), made("c", 8)], "9")
    assert [(change.type, change.object["metadata"]["name"]) for change in changes] == [
        ("DELETED", "a"),
        ("MODIFIED", "b"),
        ("ADDED", "c"),
    ]
    assert state.version == "9"


def test_an_object_made_anew_is_another_one() -> None:
    state = MirrorState()
    state.listed([made("a", 1, "old")], "1")
    changes = state.listed([made("a", 9, "new")], "9")
    assert [(change.type, uid_of(change.object)) for change in changes] == [
        ("DELETED", "old"),
        ("ADDED", "new"),
    ]


def test_writes_answered_while_a_list_is_on_its_way_are_kept() -> None:
    state = MirrorState()
    state.listed([made("a", 5)], "5")
    state.list_begins()
    state.removed(("n", "a"), "u-a")
    state.written(made("b", 7))
    assert state.listed([made("a", 5)], "6") == []
    assert [found["metadata"]["name"] for found in state.objects.values()] == ["b"]
    assert state.happened("MODIFIED", made("a", 7)) == []
    assert state.happened("DELETED", made("a", 8)) == []


def test_a_server_restored_from_a_backup_is_believed() -> None:
    state = MirrorState()
    state.listed([made("a", 5)], "5")
    state.written(made("a", 50))
    state.written(made("b", 51))
    state.list_begins()
    state.listed([made("a", 5)], "20")
    assert [version_of(found) for found in state.objects.values()] == [5]


@pytest.mark.parametrize("version", ["", "not-a-number"])
def test_versions_that_are_no_numbers_are_taken_as_they_come(version: str) -> None:
    state = MirrorState()
    found = made("a", 1)
    found["metadata"]["resourceVersion"] = version
    assert version_of(found) == 0
    assert [change.type for change in state.happened("ADDED", found)] == ["ADDED"]
