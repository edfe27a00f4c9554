from __future__ import annotations

import json
import re
from typing import Any

import pytest
import responses
from requests import PreparedRequest
from structlog.testing import capture_logs

from connectors.genetec.publish.ask import ASK_AGAIN_S
from connectors.protocols.capture_time import PLAUSIBLE_S
from core.clock import ManualClock, parse_iso
from core.errors import AuthenticationRefused, VmsRefused, VmsUnavailable
from core.types import Receipt
from tests.connectors.genetec.samples import CAMERA, GUID, NOW, URL, alert, connector, delivery, fail, ok, queries

REPORT = {"event": f"{URL}/report/CameraEvent", "bookmark": f"{URL}/report/Bookmark"}


@responses.activate
@pytest.mark.parametrize("action", ["event", "bookmark"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda token: [{"Notes": "other"}, {"Whatever": f"Zone | {token}"}],
        lambda token: {"Notes": token},
        lambda token: {"Rows": [["2027", f"a {token}"]]},
    ],
    ids=["rows", "one-object", "unknown-shape"],
)
def test_the_token_is_found_whatever_the_columns_are_called(action: str, wrap: Any) -> None:
    responses.get(REPORT[action], json=ok(wrap(delivery(action).token)))
    assert connector().find(delivery(action), alert(), CAMERA) == Receipt()


@responses.activate
@pytest.mark.parametrize("result", [None, [], [{"Notes": "vigie:00000000000000000000"}]])
def test_what_no_report_shows_is_not_there(result: Any) -> None:
    responses.get(REPORT["event"], json=ok(result))
    vms = connector()
    assert vms.find(delivery("event"), alert(), CAMERA) is None
    assert vms.askable == {"event", "bookmark"}


@responses.activate
def test_events_are_looked_for_from_capture_until_now_and_bookmarks_around_capture() -> None:
    for url in REPORT.values():
        responses.get(url, json=ok())
    captured_at = NOW - 7200.0
    for action in ("event", "bookmark"):
        connector().find(delivery(action), alert(captured_at=captured_at), CAMERA)
    spans = [[parse_iso(text) for text in re.findall(r"\d{4}-[^,)]+Z", query)] for query in queries(responses.calls)]
    assert spans == [[captured_at - 1500.0, NOW + 600.0], [captured_at - 5.0, captured_at + 5.0]]
    assert all(query.startswith(f"Cameras@{GUID},TimeRange.SetTimeRange(") for query in queries(responses.calls))


def rows_at(moments: dict[float, str], most: int) -> Any:
    """A report that shows at most so many rows and says when there are more."""

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        begin, end = (parse_iso(text) for text in re.findall(r"\d{4}-[^,)]+Z", str(request.url)))
        rows = [{"Notes": text} for moment, text in sorted(moments.items()) if begin <= moment <= end]
        status = "TooManyResults" if len(rows) > most else "Ok"
        return 200, {}, json.dumps({"Rsp": {"Status": status, "Result": rows[:most]}})

    return answer


@responses.activate
@pytest.mark.parametrize("position", [0, 57, 199])
def test_a_report_with_too_many_rows_is_narrowed_until_the_token_shows(position: int) -> None:
    moments = {NOW - 2.0 + 0.1 * number: f"row {number}" for number in range(200)}
    moments[NOW - 2.0 + 0.1 * position] = delivery("event").token
    responses.add_callback(responses.GET, REPORT["event"], callback=rows_at(moments, 20))
    assert connector().find(delivery("event"), alert(), CAMERA) == Receipt()


@responses.activate
def test_an_event_is_found_though_the_recorders_clock_is_as_far_ahead_as_it_may_be() -> None:
    raised_at = NOW + 0.5
    report = rows_at({raised_at: delivery("event").token}, 20)
    responses.add_callback(responses.GET, REPORT["event"], callback=report)
    captured_at = NOW + PLAUSIBLE_S
    assert connector().find(delivery("event"), alert(captured_at=captured_at), CAMERA) == Receipt()


@responses.activate
def test_narrowing_ends_and_leaves_it_to_a_person_as_a_second_one_may_be_made() -> None:
    responses.get(REPORT["event"], json={"Rsp": {"Status": "TooManyResults", "Result": [{"Notes": "x"}]}})
    vms = connector()
    with pytest.raises(VmsRefused, match="too many rows"):
        vms.find(delivery("event"), alert(), CAMERA)
    assert len(responses.calls) == 128
    assert "event" in vms.askable


@responses.activate
@pytest.mark.parametrize(
    "refusal",
    [{"json": fail("InvalidOperation")}, {"status": 404}, {"status": 403}, {"status": 400, "body": "<html/>"}],
    ids=["fail", "404", "403", "400"],
)
def test_a_report_that_is_refused_is_given_up_and_the_other_stays(refusal: dict[str, Any]) -> None:
    responses.get(REPORT["event"], **refusal)
    responses.get(f"{URL}/", json=ok())
    vms = connector()
    with capture_logs() as logs:
        assert vms.find(delivery("event"), alert(), CAMERA) is None
    assert vms.askable == {"bookmark"}
    assert len(logs) == 1


@responses.activate
def test_a_report_that_was_refused_is_asked_again_after_a_while_and_said_once_each_way() -> None:
    clock = ManualClock(NOW)
    vms = connector(clock)
    responses.get(f"{URL}/", json=ok())
    told: list[str] = []
    for refused in (True, True, False, False):
        answer = fail("SdkRequestError") if refused else ok({"Notes": delivery("event").token})
        responses.upsert(responses.GET, REPORT["event"], json=answer)
        assert "event" in vms.askable
        with capture_logs() as logs:
            assert (vms.find(delivery("event"), alert(), CAMERA) is None) == refused
        told += [log["event"].partition(":")[0] for log in logs]
        assert ("event" in vms.askable) != refused
        clock.advance(ASK_AGAIN_S)
    assert told == ["cannot be asked", "can be asked again"]


@responses.activate
def test_a_refused_account_is_not_mistaken_for_a_refused_report() -> None:
    responses.get(REPORT["event"], status=403)
    responses.get(f"{URL}/", status=403)
    vms = connector()
    with pytest.raises(AuthenticationRefused):
        vms.find(delivery("event"), alert(), CAMERA)
    assert vms.askable == {"event", "bookmark"}


@responses.activate
def test_an_unavailable_report_stays_askable() -> None:
    responses.get(REPORT["event"], status=503)
    vms = connector()
    with pytest.raises(VmsUnavailable):
        vms.find(delivery("event"), alert(), CAMERA)
    assert "event" in vms.askable


@responses.activate
def test_an_unknown_camera_says_nothing_about_the_report() -> None:
    responses.get(REPORT["event"], json=fail("UnableToRetrieveEntity"))
    vms = connector()
    assert vms.find(delivery("event"), alert(), CAMERA) is None
    assert "event" in vms.askable


def test_a_direct_alarm_cannot_be_asked_for() -> None:
    assert "alarm" not in connector().askable
