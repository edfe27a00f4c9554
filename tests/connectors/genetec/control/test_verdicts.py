"""Acknowledgements as messages and reports may tell them: in either order, in part, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
import structlog

from connectors.genetec.control.event_parts import KeepAlive, Part
from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.control.verdicts import VerdictSource
from core.clock import ManualClock, iso_utc
from core.errors import AuthenticationRefused, VmsError, VmsRefused, VmsUnavailable
from core.types import Answer, ControlMessage, Linked, VerdictGiven
from tests.connectors.genetec.control.scripted_center import Ended, ScriptedSdk, ScriptedStreams
from tests.connectors.genetec.samples import ALARM, GUID, NOW, settings

TOKEN, OTHER = "vigie:0123456789abcdef0123", "vigie:ffffffffffffffffffff"
USER = "11111111-2222-4333-8444-555555555555"
EVENT = {"EventType": "AlarmAcknowledgedAlternate", "Timestamp": iso_utc(NOW), "SourceGuid": ALARM}
MONITORED = {"AlarmAcknowledge": {"InstanceId": 41, "AlarmGuid": ALARM}}
Script = Sequence[Part | Mapping[str, Any] | Callable[[], Any]]


def row(**members: Any) -> dict[str, Any]:
    """One that leaves the kind of acknowledgement open."""
    given = {
        "InstanceId": 41,
        "Alarm": ALARM,
        "TriggerEntity": GUID,
        "TriggerEvent": 15,
        "TriggerTime": iso_utc(NOW - 9),
    }
    acknowledged = {"State": "Acked", "AckedTime": iso_utc(NOW), "AckedBy": USER, "DynamicContext": f"text {TOKEN}"}
    return given | acknowledged | members


class Scene:
    """A source with a script; ``rows`` are those of ``AlarmActivity``, from ``acknowledged`` on."""

    def __init__(self, *rows: dict[str, Any], since: float = NOW - 5) -> None:
        self.clock = ManualClock(NOW)
        self.memory = ControlMemory()
        self.since = since
        self.rows: list[dict[str, Any]] = []
        self.later = list(rows)
        self.events: list[dict[str, Any]] = []
        self.sdk = ScriptedSdk(rows=self._rows, names={USER: "Anne"})

    def _rows(self, report: str, query: str) -> Sequence[Any] | VmsError:
        return self.rows if report == "AlarmActivity" else self.events

    def acknowledged(self) -> None:
        self.rows = self.later

    def wait(self) -> None:
        self.clock.advance(2.0)

    def told(self, *script: Part | Mapping[str, Any] | Callable[[], Any]) -> list[ControlMessage]:
        """All that is told after the link."""
        messages = _source(self, script).messages()
        assert next(messages) == Linked()
        told: list[ControlMessage] = []
        with suppress(Ended):
            for message in messages:
                told.append(message)  # noqa: PERF402 - what came before the end counts
        return told


def verdict(answer: Answer, **changes: Any) -> VerdictGiven:
    given: dict[str, Any] = {"token": TOKEN, "answer": answer, "at": NOW, "by": "Anne"}
    return VerdictGiven(**(given | changes))


@pytest.mark.parametrize("script", [[EVENT, MONITORED], [MONITORED, EVENT], [EVENT], [EVENT, EVENT, KeepAlive()]])
def test_in_whatever_order_it_is_one_verdict(script: Script) -> None:
    assert Scene(row()).told(*script) == [verdict(Answer.FALSE)]


def test_a_kind_that_nothing_tells_is_an_unknown_verdict_after_a_while() -> None:
    scene = Scene(row())
    assert scene.told(MONITORED, KeepAlive()) == []
    assert scene.told(MONITORED, scene.wait, KeepAlive()) == [verdict(Answer.UNKNOWN)]


def test_what_is_known_of_a_verdict_is_not_forgotten_for_a_row_that_does_not_say() -> None:
    scene = Scene(row())
    assert scene.told(EVENT) == [verdict(Answer.FALSE)]
    assert scene.told(MONITORED, scene.wait, KeepAlive()) == []
    scene.memory = ControlMemory()  # as after a restart, which remembers how far it heard
    scene.since = NOW
    assert scene.told(MONITORED, scene.wait, KeepAlive()) == []


def test_an_unknown_verdict_is_mended_when_its_kind_comes() -> None:
    scene = Scene(row())
    script = (MONITORED, scene.wait, KeepAlive(), EVENT)
    assert scene.told(*script) == [verdict(Answer.UNKNOWN), verdict(Answer.FALSE)]


def test_of_acknowledgements_of_one_alarm_each_gets_its_own_kind() -> None:
    first, second = row(), row(InstanceId=42, AckedTime=iso_utc(NOW + 1), DynamicContext=OTHER)
    default = {**EVENT, "EventType": "AlarmAcknowledged", "Timestamp": iso_utc(NOW + 1)}
    told = Scene(first, second).told(MONITORED, EVENT, default)
    assert told[0] == verdict(Answer.FALSE)
    assert told[-1] == verdict(Answer.TRUE, token=OTHER, at=NOW + 1)


def test_what_was_acknowledged_before_is_not_told() -> None:
    assert Scene(row(AckReason="Nack", AckedTime=iso_utc(NOW - 900))).told(MONITORED) == []


def test_a_site_whose_report_does_not_tell_when_takes_the_event_s_word() -> None:
    shown = row()
    del shown["AckedTime"]
    assert Scene(shown).told(EVENT) == [verdict(Answer.FALSE)]


def test_a_server_whose_clock_is_minutes_behind_is_heard_all_the_same() -> None:
    behind = NOW - 500
    shown = row(AckedTime=iso_utc(behind), TriggerTime=iso_utc(behind - 9))
    assert Scene(shown).told({**EVENT, "Timestamp": iso_utc(behind)}) == [verdict(Answer.FALSE, at=behind)]


def near(seconds: float, token: str) -> dict[str, Any]:
    return {"CameraGuid": GUID, "EventTime": iso_utc(NOW - 9 + seconds), "Notes": f"text {token}"}


@pytest.mark.parametrize(
    ("events", "token"),
    [
        ([near(0.0, TOKEN)], TOKEN),
        ([near(-2.0, OTHER), near(0.3, TOKEN), near(1.0, OTHER)], TOKEN),
        ([near(0.2, TOKEN), near(0.2, TOKEN)], TOKEN),
        ([near(0.2, TOKEN), near(-0.2, OTHER)], ""),
        ([near(0.2, "nothing of ours")], ""),
        ([], ""),
    ],
)
def test_an_alarm_without_text_is_traced_by_the_event_that_triggered_it(
    events: list[dict[str, Any]], token: str
) -> None:
    scene = Scene(row(DynamicContext=""))
    scene.events = events
    assert scene.told(EVENT) == ([verdict(Answer.FALSE, token=token)] if token else [])


def test_an_alarm_that_something_else_triggered_is_not_traced() -> None:
    scene = Scene(row(DynamicContext="", TriggerEvent="CameraMotionOn"))
    scene.events = [near(0.0, TOKEN)]
    assert scene.told(EVENT) == []
    assert not any("CameraEvent" in asked for asked in scene.sdk.asked)


def test_the_other_name_of_the_time_filter_is_tried() -> None:
    scene = Scene(row())
    wanted = scene.sdk.rows
    scene.sdk.rows = lambda report, query: (
        VmsRefused("unknown filter") if "TriggeredTimeRange" in query else wanted(report, query)
    )
    assert scene.told(EVENT) == [verdict(Answer.FALSE)]


def test_without_the_report_a_message_that_says_enough_is_a_verdict() -> None:
    scene = Scene()
    scene.sdk.rows = lambda _report, _query: VmsRefused("no right")
    inside = {"InstanceId": 41, "AlarmGuid": ALARM, "Message": TOKEN, "AckType": "Ack", "AckTime": iso_utc(NOW)}
    with structlog.testing.capture_logs() as logs:
        told = scene.told({"AlarmAcknowledge": inside}, MONITORED)
    assert told == [verdict(Answer.TRUE, by="")]
    assert [log["event"] for log in logs] == ["acknowledgements_not_listed"]


@pytest.mark.parametrize("error", [AuthenticationRefused("no account"), VmsUnavailable("away")])
def test_an_account_that_is_refused_ends_the_channel(error: VmsError) -> None:
    sdk = ScriptedSdk(rows=lambda _report, _query: error, refused=error)
    source = VerdictSource(
        settings(), ScriptedStreams().as_streams(), sdk.as_sdk(), ManualClock(NOW), memory=ControlMemory(), since=NOW
    )
    messages = source.messages()
    assert next(messages) == Linked()
    with pytest.raises(type(error)):
        next(messages)


def test_an_instance_that_nobody_can_be_asked_about_is_asked_about_again() -> None:
    scene = Scene(row(DynamicContext=""))
    away = VmsUnavailable("away")
    wanted = scene.sdk.rows
    scene.sdk.rows = lambda report, query: away if report == "CameraEvent" else wanted(report, query)
    with pytest.raises(VmsUnavailable):
        list(_source(scene, [EVENT]).messages())
    scene.sdk.rows, scene.events = wanted, [near(0.0, TOKEN)]
    assert scene.told(EVENT) == [verdict(Answer.FALSE)]


def _source(scene: Scene, script: Script) -> VerdictSource:
    streams = ScriptedStreams([scene.acknowledged, *script]).as_streams()
    return VerdictSource(settings(), streams, scene.sdk.as_sdk(), scene.clock, memory=scene.memory, since=scene.since)


def test_an_account_that_is_refused_while_an_alarm_is_traced_loses_no_verdict() -> None:
    scene = Scene(row(DynamicContext=""))
    refused, wanted = AuthenticationRefused("no account"), scene.sdk.rows
    scene.sdk.rows = lambda report, query: refused if report == "CameraEvent" else wanted(report, query)
    scene.sdk.refused = refused
    with pytest.raises(AuthenticationRefused):
        list(_source(scene, [EVENT]).messages())
    scene.sdk.rows, scene.sdk.refused, scene.events = wanted, None, [near(0.0, TOKEN)]
    assert scene.told(EVENT) == [verdict(Answer.FALSE)]


def test_the_oldest_of_what_was_missed_is_told_first_as_the_next_link_begins_at_what_was_told() -> None:
    first, second = row(AckReason="Nack", AckedTime=iso_utc(NOW - 2)), row(InstanceId=42, AckReason="Nack")
    scene = Scene()
    scene.rows = [second, first]
    assert [message.at for message in scene.told() if isinstance(message, VerdictGiven)] == [NOW - 2, NOW]


def test_once_closed_no_alarm_is_traced_any_more() -> None:
    scene = Scene(row(DynamicContext=""), row(InstanceId=42, DynamicContext=""))
    source = _source(scene, [EVENT])

    def rows(report: str, _query: str) -> Sequence[Any]:
        if report == "AlarmActivity":
            if scene.rows:
                source.close()
            return scene.rows
        return []

    scene.sdk.rows = rows
    list(source.messages())
    assert not any("CameraEvent" in line for line in scene.sdk.asked)
