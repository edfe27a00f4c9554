"""Custom events and camera states as streams and reports may tell them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any, cast

import pytest
import structlog

from connectors.genetec.control.camera_states import CameraStates
from connectors.genetec.control.event_parts import KeepAlive
from connectors.genetec.control.events import EventSource
from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.control.stream_source import CLOCKS_APART_S, SWEEP_S
from core.clock import ManualClock, iso_utc, parse_iso
from core.errors import AuthenticationRefused, VmsRefused
from core.types import CameraReported, ControlMessage, EventSeen, Linked
from tests.connectors.genetec.control.scripted_center import Ended, ScriptedSdk, ScriptedStreams
from tests.connectors.genetec.samples import GUID, NOW, settings

CUSTOM_EVENTS = [
    {"Id": 6001, "Name": "Nuit", "EntityType": "Area"},
    {"Id": 6002, "Name": "Jour", "EntityType": "Camera"},
    {"Id": 5000, "Name": "Vigie", "EntityType": "Camera"},
]
CONTROL = [{"event": "Nuit", "state": "armed"}, {"event": "Jour", "state": "off"}]
RAISED = {"EventType": "CustomEvent", "Timestamp": iso_utc(NOW), "SourceGuid": GUID}


def source(sdk: ScriptedSdk, *script: Any, memory: ControlMemory | None = None, **given: Any) -> EventSource:
    return EventSource(
        settings(control=CONTROL),
        ScriptedStreams(script).as_streams(),
        sdk.as_sdk(),
        given.pop("clock", ManualClock(NOW)),
        memory=memory or ControlMemory(),
        states=CameraStates(),
        since=NOW - 5,
        **given,
    )


def told(made: EventSource) -> list[ControlMessage]:
    """All that is told after the link."""
    messages = made.messages()
    assert next(messages) == Linked()
    found: list[ControlMessage] = []
    with suppress(Ended):
        for message in messages:
            found.append(message)  # noqa: PERF402 - what came before the end counts
    return found


def sdk(**given: Any) -> ScriptedSdk:
    return ScriptedSdk(**({"entity": {"CustomEvents": CUSTOM_EVENTS}} | given))


@pytest.mark.parametrize(
    "members",
    [
        {"CustomEventId": 6001},
        {"CustomEvent": {"Id": "6001"}},
        {"CustomEvent": "CustomEventId(6001)"},
        {"Value": 6001},
        {"CustomEventName": "Nuit"},
    ],
)
def test_which_custom_event_it_is_may_stand_in_several_members(members: Mapping[str, Any]) -> None:
    [seen] = told(source(sdk(), {**RAISED, **members}))
    assert isinstance(seen, EventSeen)
    assert (seen.event, seen.at) == ("Nuit", NOW)


@pytest.mark.parametrize(
    "event",
    [
        {**RAISED, "CustomEventId": 5000},
        {**RAISED, "Message": "Nuit et jour"},
        RAISED,
        {"EventType": "CameraMotionOn", "CustomEventId": 6001},
        {},
    ],
)
def test_other_events_are_not_told(event: Mapping[str, Any]) -> None:
    assert told(source(sdk(), event)) == []


def test_it_subscribes_by_the_type_of_each_event_s_sources() -> None:
    center = sdk()
    told(source(center))
    [asked] = [line for line in center.asked if "subscribe" in line]
    assert "event(Area,CustomEvent),event(Camera,CustomEvent),event(Camera,CameraSignalLost)" in asked


def test_an_event_is_told_once_though_stream_and_report_show_it() -> None:
    row = {"EventType": 15, "EventTime": iso_utc(NOW), "CameraGuid": GUID.upper(), "Value": 6001}
    shown = told(source(sdk(rows=lambda _report, _query: [row]), {**RAISED, "CustomEventId": 6001}))
    assert [type(message) for message in shown] == [EventSeen]


def test_the_reports_are_asked_again_when_keep_alives_show_that_time_has_come() -> None:
    clock = ManualClock(NOW)
    center = sdk()
    script = (KeepAlive(), lambda: clock.advance(SWEEP_S + 1), KeepAlive(), KeepAlive())
    told(source(center, *script, clock=clock))
    assert sum("CameraEvent" in line for line in center.asked) == 2
    assert sum("subscribe" in line for line in center.asked) == 2


def test_a_report_that_is_refused_is_complained_of_once_and_the_stream_heard() -> None:
    center = sdk(rows=lambda _report, _query: VmsRefused("no right"))
    memory = ControlMemory()
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            told(source(center, {**RAISED, "CustomEventId": 6002}, memory=memory))
    assert [log["event"] for log in logs] == ["missed_events_not_listed"]


def test_an_account_that_is_refused_ends_the_channel() -> None:
    refused = AuthenticationRefused("no account")
    messages = source(sdk(rows=lambda _report, _query: refused, refused=refused)).messages()
    assert next(messages) == Linked()
    with pytest.raises(AuthenticationRefused):
        next(messages)


@pytest.mark.parametrize(
    ("entity", "lost"),
    [({"IsOnline": False}, [True]), ({"IsOnline": "true"}, [False]), ({}, []), ({"IsOnline": None}, [])],
)
def test_a_camera_s_own_state_is_told_where_it_is_shown(entity: Mapping[str, Any], lost: list[bool]) -> None:
    found = told(source(sdk(entity=entity), cameras=[GUID.upper(), "no GUID"]))
    reports = [message for message in found if isinstance(message, CameraReported)]
    assert [(report.device, report.is_lost) for report in reports] == [(GUID, is_lost) for is_lost in lost]


def test_events_of_cameras_that_are_not_watched_are_not_told() -> None:
    event = {"EventType": 1371, "Timestamp": iso_utc(NOW), "SourceGuid": GUID}
    other = "00000001-0000-babe-0000-000000000002"
    assert [type(message) for message in told(source(sdk(), event))] == [CameraReported]
    assert told(source(sdk(), event, cameras=[other])) == []


def test_once_closed_it_tells_nothing() -> None:
    made = source(sdk(), RAISED)
    made.close()
    made.close()
    assert list(made.messages()) == []


def test_an_event_that_could_not_be_dealt_with_is_told_again() -> None:
    memory = ControlMemory()
    event = {**RAISED, "CustomEventId": 6001}
    messages = source(sdk(), event, memory=memory).messages()
    while not isinstance(next(messages), EventSeen):
        pass
    cast("Generator[ControlMessage]", messages).close()  # as when its reader fails
    assert [type(message) for message in told(source(sdk(), event, memory=memory))] == [EventSeen]


def test_a_number_that_is_not_watched_is_not_overruled_by_a_text_that_reads_like_a_name() -> None:
    assert told(source(sdk(), {**RAISED, "CustomEventId": 5000, "Message": "Nuit"})) == []


def test_what_was_missed_is_told_by_time_and_before_cameras_whose_time_is_now() -> None:
    """What is told moves the place from which the next link asks."""
    rows = [
        {"EventType": 15, "EventTime": iso_utc(NOW - age), "CameraGuid": GUID, "Value": number}
        for age, number in ((1, 6002), (3, 6001))
    ]
    center = sdk(rows=lambda _report, _query: rows, entity={"CustomEvents": CUSTOM_EVENTS, "IsOnline": False})
    shown = told(source(center, cameras=[GUID]))
    assert [getattr(message, "at", None) for message in shown] == [NOW - 3, NOW - 1, NOW]


def test_events_of_a_server_whose_clock_is_minutes_behind_are_not_missed() -> None:
    center = sdk()
    told(source(center))
    [asked] = [line for line in center.asked if "CameraEvent?" in line.replace(" ", "?")]
    assert parse_iso(asked.partition("SetTimeRange(")[2].partition(",")[0]) <= NOW - 5 - CLOCKS_APART_S


def test_a_control_event_that_is_made_while_we_listen_is_heard_from_the_next_sweep_on() -> None:
    clock = ManualClock(NOW)
    center = sdk(entity={"CustomEvents": CUSTOM_EVENTS[1:]})

    def make() -> None:
        center.entity = {"CustomEvents": CUSTOM_EVENTS}
        clock.advance(SWEEP_S + 1)

    event = {**RAISED, "CustomEventId": 6001}
    shown = told(source(center, event, make, KeepAlive(), event, clock=clock))
    assert [message.event for message in shown if isinstance(message, EventSeen)] == ["Nuit"]


def test_once_closed_no_more_cameras_are_asked_about() -> None:
    cameras = [f"00000001-0000-babe-0000-0000000000{number:02}" for number in range(30)]
    center = sdk()
    made = source(center, cameras=cameras)
    asked: list[int] = []
    described = center.entities

    def entities(guids: Any, properties: Any) -> Any:
        found = described(guids, properties)
        if "IsOnline" in properties:
            asked.append(len(guids))
            made.close()
        return found

    center.entities = entities  # type: ignore[method-assign]
    list(made.messages())
    assert len(asked) == 1
