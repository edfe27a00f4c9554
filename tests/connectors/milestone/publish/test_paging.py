from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import responses

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.publish.paging import PagedList
from core.clock import iso_utc
from core.errors import VmsRefused
from tests.connectors.milestone.gateway import gateway
from tests.connectors.milestone.support import CAPTURED_AT, REST, delivery, services, settings

ALARMS = f"{REST}/alarms"
ALARM_ID = "55555555-5555-4555-8555-555555555555"
MARK = delivery("alarm").token


class Pages:
    """An alarm list that pages as asked, up to a size of its own, and counts how often."""

    def __init__(self, alarms: list[dict[str, Any]], most: int) -> None:
        self.alarms = alarms
        self.most = most
        self.asked = 0

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.asked += 1
        query = dict(pair.partition("=")[::2] for pair in str(request.url).partition("?")[2].split("&"))
        size = min(self.most, int(query["size"]))
        first = int(query["page"]) * size
        return 200, {}, json.dumps({"array": self.alarms[first : first + size]})


def alarms(count: int, *, newest_s: float, step_s: float) -> list[dict[str, Any]]:
    return [
        {"id": str(number), "message": "another", "time": iso_utc(CAPTURED_AT + newest_s - number * step_s)}
        for number in range(count)
    ]


def serve(mock: responses.RequestsMock, listed: list[dict[str, Any]], most: int = 2000) -> Pages:
    pages = Pages(listed, most)
    mock.add_callback("GET", ALARMS, callback=pages)
    return pages


def search() -> dict[str, Any] | None:
    listed = PagedList(XProtectSession(settings(), services()), "alarms", remedy="", include="data")
    return listed.search(lambda item: MARK in str(item["message"]), words=MARK, since=CAPTURED_AT)


@pytest.mark.parametrize("most", [2000, 30])
@pytest.mark.parametrize("position", [0, 99, 100, 250])
def test_a_thing_is_found_on_any_page_of_any_size(position: int, most: int) -> None:
    listed = alarms(300, newest_s=600, step_s=1)
    listed[position] = {"id": ALARM_ID, "message": f"Voie interdite {MARK}", "time": "2025-11-20T10:02:04.0000000Z"}
    with gateway() as mock:
        serve(mock, listed, most)
        found = search()
    assert found is not None
    assert found["id"] == ALARM_ID


def test_what_is_not_there_is_not_found() -> None:
    with gateway() as mock:
        pages = serve(mock, alarms(150, newest_s=60, step_s=1))
        assert search() is None
    assert pages.asked == 3


def test_where_the_newest_come_first_the_search_ends_at_what_is_older_than_it() -> None:
    with gateway() as mock:
        pages = serve(mock, alarms(5000, newest_s=60, step_s=10))
        assert search() is None
    assert pages.asked == 1


def test_where_the_oldest_come_first_the_search_goes_on_to_the_newest() -> None:
    listed = alarms(450, newest_s=-100_000, step_s=-10)
    listed[-1] = {"id": ALARM_ID, "message": MARK, "time": iso_utc(CAPTURED_AT)}
    with gateway() as mock:
        serve(mock, listed)
        found = search()
    assert found is not None


def test_too_many_to_tell_are_left_to_a_person_rather_than_doubled() -> None:
    with gateway() as mock:
        pages = serve(mock, alarms(20_000, newest_s=-1e6, step_s=-1))
        with pytest.raises(VmsRefused, match=MARK) as caught:
            search()
    assert pages.asked == 100
    assert "Alarm Manager" in caught.value.remedy


def test_every_page_is_asked_for_with_what_the_list_needs() -> None:
    with gateway() as mock:
        serve(mock, alarms(150, newest_s=60, step_s=1))
        search()
        asked = [call.request.params for call in mock.calls if "/alarms" in str(call.request.url)]  # type: ignore[attr-defined]
    assert asked[0] == {"page": "0", "size": "100", "include": "data"}
    assert [each["page"] for each in asked] == ["0", "1", "2"]
