from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.client.notifications import Notification
from connectors.onvif.control.patterns import parse_pattern
from core.errors import RequestInvalid

INPUT = Notification(
    topic="Device/Trigger/DigitalInput", at=1.0, source={"InputToken": "door 1"}, data={"LogicalState": "true"}
)


@pytest.mark.parametrize(
    ("event", "is_it"),
    [
        ("tns1:Device/Trigger/DigitalInput", True),
        ("Device/Trigger/DigitalInput", True),
        ("tns1:Device/Trigger/DigitalInput?LogicalState=true", True),
        ("tns1:Device/Trigger/DigitalInput?LogicalState=1", True),
        ("tns1:Device/Trigger/DigitalInput?LogicalState=True", True),
        ("tns1:Device/Trigger/DigitalInput?LogicalState=false", False),
        ("tns1:Device/Trigger/DigitalInput?LogicalState=true&InputToken=door 1", True),
        ("tns1:Device/Trigger/DigitalInput?InputToken=door%201", True),
        ("tns1:Device/Trigger/DigitalInput?InputToken=Door 1", False),
        ("tns1:Device/Trigger/DigitalInput?Other=true", False),
        ("tns1:Device/Trigger", False),
        ("tns1:Device/Trigger/Relay", False),
    ],
)
def test_an_event_is_a_topic_with_conditions(event: str, is_it: bool) -> None:
    assert parse_pattern(event).matches(INPUT) is is_it


@pytest.mark.parametrize("event", ["", "?a=b", "tns1:A/B?", "tns1:A/B?c", "tns1:A/B?=c", "tns1:A//B", "A?b=c&"])
def test_what_names_no_event_is_refused_with_an_example(event: str) -> None:
    with pytest.raises(RequestInvalid, match="no ONVIF event") as caught:
        parse_pattern(event)
    assert "tns1:" in caught.value.remedy


@given(st.text(max_size=60))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except RequestInvalid:
        return
    assert pattern.event == text
    assert pattern.topic
