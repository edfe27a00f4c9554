from __future__ import annotations

from typing import Any

import pytest

from connectors.genetec.control.acknowledgements import NOBODY, Judge, acknowledged_in, is_acknowledged, read
from connectors.genetec.settings import AcknowledgementSettings
from core.types import Answer
from tests.connectors.genetec.samples import ALARM

AT = "2026-11-20T10:15:31.003Z"
USER = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("AlarmAcknowledged", "default"),
        (3, "default"),
        ("AlarmAcknowledgedAlternate", "alternate"),
        ("81", "alternate"),
        ("AlarmForciblyAcked", "forced"),
    ],
)
def test_an_alarm_s_own_event_tells_how_and_names_the_alarm_as_its_source(event_type: Any, kind: str) -> None:
    seen = acknowledged_in({"EventType": event_type, "Timestamp": AT, "SourceGuid": ALARM.upper()})
    assert seen is not None
    assert (seen.kind, seen.alarm, seen.source, seen.instance) == (kind, ALARM, "", None)


def test_a_message_of_alarm_monitoring_is_read_in_whatever_words() -> None:
    inside = {"AlarmInstanceId": "41", "Alarm": ALARM, "AcknowledgementType": "Nack", "AckedBy": USER, "AckTime": AT}
    seen = acknowledged_in({"AlarmAcknowledge": inside})
    assert seen is not None
    assert (seen.instance, seen.alarm, seen.kind, seen.by) == (41, ALARM, "alternate", USER)
    assert seen.at is not None


@pytest.mark.parametrize(
    "event",
    [{}, {"EventType": "AlarmTriggered"}, {"AlarmTriggered": {"InstanceId": 1}}, {"AlarmAcknowledge": "x"}],
)
def test_other_events_are_none(event: dict[str, Any]) -> None:
    assert acknowledged_in(event) is None


@pytest.mark.parametrize("row", [{}, {"InstanceId": True, "AckedTime": 7, "AckReason": [], "Alarm": {}}])
def test_a_row_that_says_nothing_is_read_as_nothing(row: dict[str, Any]) -> None:
    seen = read(row)
    assert (seen.instance, seen.alarm, seen.kind, seen.at, seen.by) == (None, "", None, None, None)


@pytest.mark.parametrize(
    ("state", "is_it"), [("Acked", True), (2, True), ("Active", False), ("AknowledgeRequired", False), (None, True)]
)
def test_only_acknowledged_rows_count(state: Any, is_it: bool) -> None:
    assert is_acknowledged({"State": state}) is is_it


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"AckReason": "Ack", "AckedBy": USER}, Answer.TRUE),
        ({"AckReason": "Nack"}, Answer.FALSE),
        ({"AckReason": "Forced", "AckedBy": USER}, Answer.UNKNOWN),
        ({"AckReason": "Ack", "AckedBy": NOBODY}, Answer.UNKNOWN),
        ({"AckReason": 1, "AckedBy": USER}, Answer.UNKNOWN),
    ],
)
def test_what_each_kind_says(row: dict[str, Any], answer: Answer) -> None:
    assert Judge(AcknowledgementSettings()).answer(read(row)) is answer


def test_the_settings_decide_what_a_kind_says() -> None:
    turned = AcknowledgementSettings.model_validate({"true": ["alternate"], "false": ["forced"]})
    answers = [Judge(turned).answer(read({"AckReason": reason})) for reason in ("Ack", "Nack", "Forced")]
    assert answers == [Answer.UNKNOWN, Answer.TRUE, Answer.FALSE]
