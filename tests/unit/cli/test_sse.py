import json

from hypothesis import given
from hypothesis import strategies as st

from pai.cli.sse import events

json_objects = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=4
)


def test_comments_are_signs_of_life() -> None:
    assert list(events([": watching", "", 'data: {"a": 1}', ""])) == [None, {"a": 1}]


def test_an_event_may_have_several_data_lines() -> None:
    assert list(events(["data: {", 'data:"a": 1}', ""])) == [{"a": 1}]


def test_other_fields_and_cut_off_events_are_ignored() -> None:
    assert list(events(["id: 4", "event: x", "retry: 1", "", 'data: {"a": 1}'])) == []


@given(st.lists(json_objects, max_size=5))
def test_what_was_sent_is_received(sent: list[dict[str, object]]) -> None:
    lines = [line for item in sent for line in (f"data: {json.dumps(item)}", "")]
    assert list(events(lines)) == sent
