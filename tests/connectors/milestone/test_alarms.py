from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import responses

from core.clock import iso_utc
from core.errors import AuthenticationRefused, NotFoundInVms, ReplyLost, RequestInvalid, VmsError, VmsRefused
from core.types import Receipt
from tests.connectors.milestone.gateway import gateway
from tests.connectors.milestone.support import CAPTURED_AT, DEVICE, REST, alert, camera, connector, delivery

ALARMS = f"{REST}/alarms"
ALARM_ID = "55555555-5555-4555-8555-555555555555"
MARK = delivery("alarm").token


def publish() -> Receipt:
    return connector().publish(delivery("alarm"), alert(), camera())


def find() -> Receipt | None:
    return connector().find(delivery("alarm"), alert(), camera())


def test_an_alarm_carries_name_source_capture_time_and_ends_with_the_mark() -> None:
    with gateway() as mock:
        mock.post(ALARMS, json={"data": {"id": ALARM_ID}}, status=202)
        assert publish().remote_id == ALARM_ID
        body = json.loads(str(mock.calls[-1].request.body, "utf-8"))  # type: ignore[arg-type]
    assert body == {
        "name": "Voie interdite",
        "message": f"Voie interdite on Quai 1: person 0.93 at 2025-11-20T10:02:03.456Z {MARK}",
        "source": DEVICE,
    }


@pytest.mark.parametrize("body", ['{"result":{"id":"x"}}', "accepted", ""])
def test_an_accepted_alarm_is_accepted_whatever_its_answer_looks_like(body: str) -> None:
    with gateway() as mock:
        mock.post(ALARMS, body=body, status=202)
        assert publish().remote_id in {"x", ""}


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, RequestInvalid, "2023 R2"),
        (403, AuthenticationRefused, "role"),
        (404, NotFoundInVms, "2023 R2"),
        (500, ReplyLost, ""),
    ],
)
def test_a_refused_alarm_says_what_to_mend(status: int, kind: type[VmsError], remedy: str) -> None:
    error = {"error": {"httpCode": status, "details": [{"errorText": "source unknown"}]}}
    with gateway() as mock:
        mock.post(ALARMS, json=error, status=status)
        with pytest.raises(kind, match="source unknown") as caught:
            publish()
    assert remedy in caught.value.remedy


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


@pytest.mark.parametrize("most", [2000, 30])
@pytest.mark.parametrize("position", [0, 99, 100, 250])
def test_an_alarm_is_found_by_its_mark_on_any_page_of_any_size(position: int, most: int) -> None:
    listed = alarms(300, newest_s=600, step_s=1)
    listed[position] = {"id": ALARM_ID, "message": f"Voie interdite {MARK}", "time": "2025-11-20T10:02:04.0000000Z"}
    with gateway() as mock:
        serve(mock, listed, most)
        found = find()
    assert found is not None
    assert found.remote_id == ALARM_ID


def test_an_alarm_that_is_not_there_is_not_found() -> None:
    with gateway() as mock:
        pages = serve(mock, alarms(150, newest_s=60, step_s=1))
        assert find() is None
    assert pages.asked == 3


def test_where_the_newest_come_first_the_search_ends_at_alarms_older_than_the_alert() -> None:
    with gateway() as mock:
        pages = serve(mock, alarms(5000, newest_s=60, step_s=10))
        assert find() is None
    assert pages.asked == 1


def test_where_the_oldest_come_first_the_search_goes_on_to_the_newest() -> None:
    listed = alarms(450, newest_s=-100_000, step_s=-10)
    listed[-1] = {"id": ALARM_ID, "message": MARK, "time": iso_utc(CAPTURED_AT)}
    with gateway() as mock:
        serve(mock, listed)
        found = find()
    assert found is not None


def test_too_many_alarms_to_tell_are_left_to_a_person_rather_than_doubled() -> None:
    with gateway() as mock:
        pages = serve(mock, alarms(20_000, newest_s=-1e6, step_s=-1))
        with pytest.raises(VmsRefused, match=MARK) as caught:
            find()
    assert pages.asked == 100
    assert "Alarm Manager" in caught.value.remedy
