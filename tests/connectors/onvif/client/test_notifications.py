from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.onvif.client.notifications import Operation, local_topic, read_notification
from tests.connectors.onvif.client.answers import SPACES, notification
from tests.connectors.onvif.schemas import validate


def parsed(text: str) -> etree._Element:
    return etree.fromstring(f"<r {SPACES}>{text}</r>")[0]


INPUT = notification("tns1:Device/Trigger/DigitalInput", {"InputToken": "1"}, {"LogicalState": "true"}, at=1.5)


@pytest.mark.shared_data
def test_a_notification_is_read_whole() -> None:
    validate(parsed(INPUT))
    found = read_notification(parsed(INPUT))
    assert found is not None
    assert (found.topic, found.at, found.operation) == ("Device/Trigger/DigitalInput", 1.5, Operation.CHANGED)
    assert (dict(found.source), dict(found.data)) == ({"InputToken": "1"}, {"LogicalState": "true"})


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("tns1:Device/Trigger/DigitalInput", "Device/Trigger/DigitalInput"),
        (" tns1:RuleEngine / tnsaxis:Foo ", "RuleEngine/Foo"),
        ("RuleEngine/Foo", "RuleEngine/Foo"),
        ("", ""),
        ("tns1:", ""),
        ("a//b", ""),
    ],
)
def test_topics_are_compared_by_their_local_names(written: str, path: str) -> None:
    assert local_topic(written) == path


def test_one_occurrence_has_one_id_and_others_have_others() -> None:
    def event_id(**changes: str) -> str:
        text = INPUT
        for old, new in changes.items():
            text = text.replace(old, new)
        found = read_notification(parsed(text))
        assert found is not None
        return found.event_id

    ids = [event_id(), event_id(), event_id(true="false"), event_id(Trigger="Other"), event_id(InputToken="Another")]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("stamp", ["", "soon", "9999999999-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_read_is_none(stamp: str) -> None:
    found = read_notification(parsed(INPUT.replace("1970-01-01T00:00:01.500Z", stamp)))
    assert found is not None
    assert found.at is None


@pytest.mark.parametrize(
    "text",
    [
        "<wsnt:NotificationMessage/>",
        "<wsnt:NotificationMessage><wsnt:Topic>tns1:A/B</wsnt:Topic></wsnt:NotificationMessage>",
        "<wsnt:NotificationMessage><wsnt:Topic>tns1:A/B</wsnt:Topic><wsnt:Message/></wsnt:NotificationMessage>",
        INPUT.replace("tns1:Device/Trigger/DigitalInput", ""),
    ],
)
def test_what_tells_nothing_is_none(text: str) -> None:
    assert read_notification(parsed(text)) is None


_names = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters='<>&"'), max_size=20)


@given(st.builds(lambda *a: a, _names, _names, _names, _names, _names))
def test_any_content_is_read(parts: tuple[str, ...]) -> None:
    topic, name, value, stamp, operation = parts
    text = notification(topic, {name: value}, {value: name}, operation="Changed")
    found = read_notification(parsed(text.replace("2025-11-20T10:02:03.000Z", stamp).replace("Changed", operation)))
    assert found is None or found.event_id
