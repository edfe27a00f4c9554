from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import cast

import pytest

from connectors.milestone.control import event_lines
from connectors.milestone.control.ess_memory import EssMemory
from connectors.milestone.control.event_lines import EventLineSource
from connectors.milestone.publish.alarm_service import AlarmService, Condition, EventLine, Target
from core.clock import ManualClock
from core.errors import RightMissing, VmsError, VmsRefused, VmsUnavailable
from core.types import ControlMessage, EventSeen, Linked
from tests.connectors.listener import listening
from tests.connectors.milestone.control.control_support import FakeInventory, eventually
from tests.connectors.milestone.support import settings

NOW = 1_763_632_800.0
CONTROL = [{"event": "Nuit", "state": "armed"}]


def line(number: int, message: str = "Nuit") -> EventLine:
    return EventLine(
        event_id=f"event-{number}",
        name="",
        message=message,
        type="",
        custom_tag="",
        source_id="",
        source_name="",
        timestamp=NOW + number,
    )


class Site:
    """An alarm service that has these lines, the newest first."""

    def __init__(self) -> None:
        self.lines: list[EventLine] = []
        self.asked: list[Sequence[Condition]] = []
        self.failure: VmsError | None = None
        self.inventory = FakeInventory({"44444444-4444-4444-8444-444444444444": "Nuit"})

    def event_lines(self, conditions: Sequence[Condition], limit: int) -> list[EventLine]:
        if self.failure is not None:
            raise self.failure
        self.asked.append(conditions)
        return self.lines[::-1]

    def source(self, since: float = NOW, **changes: object) -> EventLineSource:
        return EventLineSource(
            settings(**{"control": CONTROL, **changes}),
            self.inventory.as_inventory(),
            cast("AlarmService", self),
            ManualClock(NOW),
            memory=EssMemory(),
            since=since,
        )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_lines, "_POLL_S", 0.02)


def test_events_are_told_once_in_their_order() -> None:
    site = Site()
    site.lines = [line(1), line(2)]
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
        assert listener.next() == EventSeen(event="Nuit", at=NOW + 1, event_id="event-1")
        site.lines = [line(1), line(2), line(3), line(4, "nuit")]
        assert [told.at for told in listener.take(2) if isinstance(told, EventSeen)] == [NOW + 2, NOW + 3]
        eventually(lambda: len(site.asked) > 5)
        assert listener.rest() == []


def test_it_asks_by_name_and_for_what_is_new_by_the_clock_of_the_vms() -> None:
    site = Site()
    site.lines = [line(3600)]
    with listening(site.source()) as listener:
        listener.take(2)
        eventually(lambda: len(site.asked) > 2)
    first, last = site.asked[0], site.asked[-1]
    assert [one.target for one in first] == [Target.MESSAGE, Target.TIMESTAMP]
    assert first[0].value == "Nuit"
    assert str(first[1].value) == "2025-11-20 09:59:00+00:00"
    assert str(last[1].value) == "2025-11-20 10:59:00+00:00"


@pytest.mark.parametrize("control", [[], [{"event": "Unknown", "state": "off"}]])
def test_without_an_event_to_watch_nothing_is_asked(control: list[dict[str, str]]) -> None:
    site = Site()
    with listening(site.source(control=control)) as listener:
        assert listener.next() == Linked()
    assert site.asked == []


def test_a_service_that_refuses_says_what_to_do() -> None:
    site = Site()
    site.failure = RightMissing("no events for you")
    with listening(site.source()) as listener:
        error = listener.ended_with()
    assert isinstance(error, VmsRefused)
    assert "no Events & State WebSocket" in str(error)
    assert "2023 R3" in error.remedy


def test_a_service_that_goes_away_ends_the_link_and_close_ends_it_quietly() -> None:
    site = Site()
    with listening(site.source()) as listener:
        listener.next()
        site.failure = VmsUnavailable("gone")
        assert listener.ended_with() is site.failure
    source = Site().source()
    source.close()
    assert list(source.messages()) == []


def test_an_event_that_could_not_be_dealt_with_is_told_again() -> None:
    site = Site()
    site.lines = [line(1)]
    failed, retried = site.source(), site.source()
    retried._memory = failed._memory
    messages = cast("Generator[ControlMessage]", failed.messages())
    assert [type(next(messages)) for _ in range(2)] == [Linked, EventSeen]
    messages.close()  # as when its reader fails
    again = retried.messages()
    assert [type(next(again)) for _ in range(2)] == [Linked, EventSeen]
