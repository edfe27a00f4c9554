from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.onvif.client.notifications import Notification, Operation
from connectors.onvif.control.memory import PullPointMemory
from connectors.onvif.control.patterns import parse_pattern
from connectors.onvif.control.telling import Telling
from core.clock import ManualClock, iso_utc
from core.types import CameraReported, ControlMessage, EventSeen

ARM = "tns1:Device/Trigger/DigitalInput?LogicalState=true"
DISARM = "tns1:Device/Trigger/DigitalInput?LogicalState=false"
ANY = "tns1:RuleEngine/Door"
SINCE = 1000.0


def message(
    topic: str,
    data: Mapping[str, str],
    *,
    at: float,
    operation: str = "Changed",
    source: Mapping[str, str] | None = None,
) -> Notification:
    return Notification(
        topic=topic, at=at, stamp=iso_utc(at), operation=Operation(operation), source=source or {}, data=data
    )


def turned(state: str, *, at: float, operation: str = "Changed") -> Notification:
    return message(
        "Device/Trigger/DigitalInput", {"LogicalState": state}, at=at, operation=operation, source={"InputToken": "1"}
    )


def lost(state: str, *, at: float = 1001.0, operation: str = "Changed") -> Notification:
    return message("VideoSource/SignalLoss", {"State": state}, at=at, operation=operation, source={"Source": "gate"})


class Heard:
    def __init__(self, memory: PullPointMemory | None = None, **options: Any) -> None:
        patterns = [parse_pattern(event) for event in (ARM, DISARM, ANY)]
        self.memory = memory or PullPointMemory()
        devices = options.get("devices", lambda token: [token])
        self.telling = Telling(patterns, self.memory, ManualClock(5000.0), options.get("since", SINCE), devices)

    def __call__(self, *messages: Notification, ahead_s: float = 0.0) -> list[ControlMessage]:
        return [told for item in messages for told in self.telling.told(item, ahead_s)]

    def events(self, *messages: Notification) -> list[tuple[str, float]]:
        return [(told.event, told.at) for told in self(*messages) if isinstance(told, EventSeen)]


def test_each_change_is_told_as_the_entry_that_it_matches() -> None:
    told = Heard().events(turned("true", at=1001.0), turned("false", at=1002.0), turned("1", at=1003.0))
    assert told == [(ARM, 1001.0), (DISARM, 1002.0), (ARM, 1003.0)]


def test_the_same_message_twice_is_told_once() -> None:
    assert Heard().events(turned("true", at=1001.0), turned("true", at=1001.0)) == [(ARM, 1001.0)]


def test_two_changes_within_the_resolution_of_the_clock_both_count() -> None:
    told = Heard().events(turned("true", at=1001.0), turned("false", at=1001.0), turned("true", at=1001.0))
    assert [event for event, _ in told] == [ARM, DISARM, ARM]


def test_a_present_state_that_was_told_is_not_told_again_after_a_reconnection() -> None:
    heard = Heard()
    heard(turned("true", at=1001.0))
    again = Heard(heard.memory, since=1001.0)
    assert again.events(turned("true", at=1001.0, operation="Initialized")) == []
    assert again.events(turned("true", at=4000.0, operation="Initialized")) == []


def test_a_change_that_was_missed_is_told_by_the_present_state() -> None:
    heard = Heard()
    heard(turned("true", at=1001.0))
    assert Heard(heard.memory).events(turned("false", at=1500.0, operation="Initialized")) == [(DISARM, 1500.0)]


@pytest.mark.parametrize(("at", "told"), [(999.0, []), (1000.0, []), (1000.5, [(ARM, 1000.5)])])
def test_after_a_restart_only_a_state_younger_than_what_was_heard_is_told(at: float, told: list[Any]) -> None:
    assert Heard().events(turned("true", at=at, operation="Initialized")) == told


def test_an_entry_without_conditions_counts_messages_not_states() -> None:
    door = {"State": "true"}
    heard = Heard()
    assert heard.events(message("RuleEngine/Door", door, at=1001.0, operation="Initialized")) == []
    assert heard.events(message("RuleEngine/Door", door, at=1002.0)) == [(ANY, 1002.0)]
    assert heard.events(message("RuleEngine/Door", door, at=1003.0, operation="")) == [(ANY, 1003.0)]


def test_what_ceases_to_be_is_no_event() -> None:
    assert Heard()(turned("true", at=1001.0, operation="Deleted")) == []


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_the_times_of_a_bridge_whose_clock_is_wrong_are_brought_to_ours(ahead_s: float) -> None:
    (told,) = Heard()(turned("true", at=1001.0 + ahead_s), ahead_s=ahead_s)
    assert isinstance(told, EventSeen)
    assert told.at == 1001.0


def test_clocks_that_agree_to_the_second_are_left_alone() -> None:
    (told,) = Heard()(turned("true", at=1001.0), ahead_s=1.4)
    assert isinstance(told, EventSeen)
    assert told.at == 1001.0


def test_a_message_without_a_time_happens_now() -> None:
    (told,) = Heard()(Notification(topic="RuleEngine/Door", at=None))
    assert isinstance(told, EventSeen)
    assert told.at == 5000.0


def test_a_lost_camera_is_told_and_so_is_its_return() -> None:
    told = Heard()(lost("true"), lost("false", at=1002.0))
    assert [(item.device, item.is_lost) for item in told if isinstance(item, CameraReported)] == [
        ("gate", True),
        ("gate", False),
    ]


def test_the_present_state_of_a_camera_is_told_however_old() -> None:
    (told,) = Heard()(lost("1", at=10.0, operation="Initialized"))
    assert isinstance(told, CameraReported)
    assert told.is_lost
    assert told.cause


@pytest.mark.parametrize(
    "name",
    ["Source", "VideoSource", "VideoSourceToken", "VideoSourceConfigurationToken", "VideoSourceConfiguration", "Token"],
)
def test_the_camera_is_found_under_the_names_that_devices_use(name: str) -> None:
    (told,) = Heard()(message("VideoSource/SignalLoss", {"State": "true"}, at=1001.0, source={name: "yard"}))
    assert isinstance(told, CameraReported)
    assert told.device == "yard"


def test_one_source_may_be_several_devices_or_none_of_ours() -> None:
    assert len(Heard(devices=lambda _: ["a", "b"])(lost("true"))) == 2
    assert Heard(devices=lambda _: [])(lost("true")) == []


@pytest.mark.parametrize("data", [{}, {"State": "perhaps"}, {"Level": "3"}])
def test_a_loss_without_a_truth_tells_nothing(data: dict[str, str]) -> None:
    assert Heard()(message("VideoSource/SignalLoss", data, at=1001.0, source={"Source": "gate"})) == []


def test_a_message_that_was_not_taken_is_told_again() -> None:
    heard = Heard()
    untaken = heard.telling.told(turned("true", at=1001.0), 0.0)
    next(untaken)
    untaken.close()  # type: ignore[attr-defined]
    assert heard.events(turned("true", at=1001.0)) == [(ARM, 1001.0)]
