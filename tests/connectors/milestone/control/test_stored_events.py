from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.milestone.control.stored_events import stored_events
from core.errors import VmsUnavailable
from tests.connectors.milestone.control.control_support import FakeSession
from tests.connectors.milestone.control.ess_server import event

ARM = "44444444-4444-4444-8444-444444444444"
NOISE = "6eb95dd6-7ccc-4bce-99f8-af0d0b582d77"
AT_TEN = 1_763_632_800.0


def paged(events: list[dict[str, Any]]) -> Any:
    def answer(query: dict[str, int]) -> dict[str, Any]:
        first = query["page"] * query["size"]
        return {"array": events[first : first + query["size"]]}

    return answer


def events(count: int) -> list[dict[str, Any]]:
    """Every hundredth is of the type asked for."""
    return [event(number, ARM if number % 100 == 0 else NOISE, "cameras/x") for number in range(count)]


@pytest.mark.parametrize("newest_first", [True, False])
def test_missed_events_come_oldest_first_in_whichever_order_the_pages_are(newest_first: bool) -> None:
    session = FakeSession()
    session.answers["/events"] = paged(events(1_300)[:: -1 if newest_first else 1])
    found = stored_events(session.as_session(), {ARM}, AT_TEN + 860.0)
    assert [item["id"][-4:] for item in found] == ["0800", "0900", "1000", "1100", "1200"]


def test_pages_that_run_past_the_moment_are_not_read_on() -> None:
    session = FakeSession()
    session.answers["/events"] = paged(events(3_000)[::-1])
    stored_events(session.as_session(), {ARM}, AT_TEN + 2_900.0)
    assert len(session.asked) == 1


def test_a_server_that_gives_the_same_page_for_ever_is_asked_twice() -> None:
    session = FakeSession()
    session.answers["/events"] = {"array": events(10)}
    assert len(stored_events(session.as_session(), {ARM}, AT_TEN)) == 1
    assert len(session.asked) == 2


@pytest.mark.parametrize("answer", [403, 404, {"unexpected": 1}])
def test_a_list_that_cannot_be_had_is_logged_and_empty(answer: Any) -> None:
    session = FakeSession()
    session.answers["/events"] = answer
    with capture_logs() as logs:
        assert stored_events(session.as_session(), {ARM}, AT_TEN) == []
    assert [entry["event"] for entry in logs] == ["missed_events_not_listed"]


@pytest.mark.parametrize("answer", [503, VmsUnavailable("gone")])
def test_a_list_that_nobody_gives_for_now_is_to_be_asked_for_again(answer: Any) -> None:
    session = FakeSession()
    session.answers["/events"] = answer
    with pytest.raises(VmsUnavailable):
        stored_events(session.as_session(), {ARM}, AT_TEN)


@pytest.mark.parametrize(("count", "complaints"), [(12_000, ["missed_events_not_listed"]), (600, [])])
def test_a_list_that_is_too_long_to_be_read_to_its_end_is_told(count: int, complaints: list[str]) -> None:
    session = FakeSession()
    session.answers["/events"] = paged(events(count))
    with capture_logs() as logs:
        assert stored_events(session.as_session(), {ARM}, AT_TEN)
    assert [entry["event"] for entry in logs] == complaints
